/** The passphrase of a backup: from a file, from the environment, or typed on a terminal that does not show it. */
import { readFileSync } from "node:fs"
import { Effect, Option } from "effect"
import { type Failure, usage } from "./Failure.js"
import * as Output from "./Output.js"

const VARIABLE = "UNSANDBOX_BACKUP_PASSPHRASE"

/** Of a new one; what a backup holds is worth trying passphrases for. */
const LEAST = 12
const MOST = 64 * 1024
const WITHIN = "5 minutes"

const END_OF_LINE = /[\r\n]/

const fromFile = (path: string): Effect.Effect<Buffer, Failure> =>
  Effect.try({ try: () => readFileSync(path), catch: () => usage(`--passphrase-file: ${path} cannot be read`) }).pipe(
    Effect.map((bytes) => {
      // An editor ends the last line; that is no part of it.
      const end = bytes.at(-1) === 0x0a ? (bytes.at(-2) === 0x0d ? -2 : -1) : bytes.length
      return bytes.subarray(0, end)
    })
  )

/** One line of what is typed; control-C ends the command. */
const typed: Effect.Effect<string> = Effect.async<string>((resume) => {
  const { stdin } = process
  let text = ""
  const hear = (chunk: string) => {
    for (const key of chunk) {
      if (key === "\u0003") return resume(Effect.interrupt)
      if (END_OF_LINE.test(key)) return resume(Effect.succeed(text))
      text = key === "\u007f" ? text.slice(0, -1) : text + key
    }
  }
  stdin.setRawMode(true).setEncoding("utf8").on("data", hear).resume()
  return Effect.sync(() => stdin.off("data", hear))
}).pipe(Effect.ensuring(Effect.sync(() => void process.stdin.setRawMode(false).pause())))

const asked = (question: string) =>
  Output.note(question).pipe(
    Effect.zipRight(typed),
    Effect.timeoutFail({ duration: WITHIN, onTimeout: () => usage(`no passphrase within ${WITHIN}`) })
  )

const prompted = (fresh: boolean): Effect.Effect<Buffer, Failure> =>
  Effect.gen(function* () {
    if (!process.stdin.isTTY) return yield* usage(`give the passphrase with --passphrase-file or in ${VARIABLE}`)
    const text = yield* asked("Passphrase of the backup:")
    if (fresh && text !== (yield* asked("Once more:"))) return yield* usage("these are two different passphrases")
    return Buffer.from(text)
  })

/** `fresh`: something is sealed under it for the first time. */
export const passphrase = (file: Option.Option<string>, fresh: boolean): Effect.Effect<Buffer, Failure> =>
  Effect.gen(function* () {
    const around = process.env[VARIABLE]
    // No child of this process is to inherit it.
    delete process.env[VARIABLE]
    const given = Option.isSome(file)
      ? yield* fromFile(file.value)
      : around !== undefined && around !== ""
        ? Buffer.from(around)
        : yield* prompted(fresh)
    if (given.length > MOST) return yield* usage(`a passphrase has at most ${MOST} bytes`)
    if (fresh && given.length < LEAST) return yield* usage(`a passphrase of a backup has at least ${LEAST} bytes`)
    return given
  })
