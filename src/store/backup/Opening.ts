/** The members of a sealed file, one after the other: what it gives is authentic, and whether it was all is told at the end. */
import { createReadStream } from "node:fs"
import { open as openFile } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import { Effect, Fiber, type Scope } from "effect"
import * as tar from "tar-stream"
import { type BackupRefused, damaged, failed } from "./BackupRefused.js"
import * as ChunkSeal from "./Chunks.js"
import { HEADER_BYTES } from "./Header.js"
import * as Members from "./Members.js"

export interface Opened {
  /** The one that comes next, without taking it. */
  readonly peek: Effect.Effect<Members.Member | undefined, BackupRefused>
  /** The one that must come next; its content is to be read before anything else is asked. */
  readonly take: (name: string) => Effect.Effect<AsyncIterable<Uint8Array>, BackupRefused>
  /** Resolves when there is no more, and nothing was cut off. */
  readonly ended: Effect.Effect<void, BackupRefused>
}

const READ = 256 * 1024

const streaming = <A>(body: (signal: AbortSignal) => Promise<A>) => Effect.tryPromise({ try: body, catch: failed })

const headOf = async (path: string): Promise<Buffer> => {
  const file = await openFile(path)
  try {
    const buffer = Buffer.alloc(HEADER_BYTES)
    const { bytesRead } = await file.read(buffer, 0, HEADER_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

export const open = Effect.fnUntraced(function* (
  path: string,
  passphrase: Buffer
): Effect.fn.Return<Opened, BackupRefused, Scope.Scope> {
  const head = yield* streaming(() => headOf(path))
  const unseal = yield* streaming(() => ChunkSeal.opened(passphrase, head))
  const archive = tar.extract()
  const pull = Members.reader(archive)
  const feeding = yield* Effect.forkScoped(
    streaming((signal) =>
      pipeline(createReadStream(path, { start: HEADER_BYTES, highWaterMark: READ }), unseal, archive, { signal })
    )
  )
  // Whoever reads meets its failure as a stream that was closed.
  const next = Effect.catchAll(streaming(pull), (met) =>
    Effect.zipRight(Effect.timeoutFail(Fiber.join(feeding), { duration: "5 seconds", onTimeout: () => met }), met)
  )

  let ahead: Members.Member | undefined
  const peek = Effect.suspend(() => (ahead === undefined ? next : Effect.succeed(ahead))).pipe(
    Effect.map((member) => {
      ahead = member
      return member
    })
  )
  const take = Effect.fnUntraced(function* (name: string) {
    const member = yield* peek
    if (member?.name !== name) return yield* damaged(`it lacks ${name}`)
    ahead = undefined
    return member.content
  })
  const ended = Effect.flatMap(peek, (member) =>
    member === undefined ? Fiber.join(feeding) : damaged(`it holds ${member.name} where it should end`)
  )
  return { peek, take, ended }
})
