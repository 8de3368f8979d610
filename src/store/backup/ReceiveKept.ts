/** The large blobs and the layers of a backup as they come: each is what its name says, or the backup is refused. */
import { mkdir, open, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { createGunzip } from "node:zlib"
import { Effect } from "effect"
import type { Digest } from "../../../events/Ids.js"
import { type BackupRefused, damaged, failed } from "./BackupRefused.js"
import { hexOf, type Kind, pathOf } from "./Kept.js"
import * as Members from "./Members.js"
import type { Opened } from "./Opening.js"
import type { Into } from "./Place.js"
import type { Progress } from "./Summary.js"

type Content = AsyncIterable<Uint8Array>

interface Receiving {
  readonly opened: Opened
  readonly into: Into
  readonly progress: Progress
}

export const toFile = async (path: string, content: Content): Promise<void> => {
  const file = await open(path, "wx", 0o600)
  await writeFile(file, content).finally(() => file.close())
}

const drained = async (content: Content): Promise<void> => {
  for await (const _ of content);
}

/** Of what is compressed: the bytes go by, and what they come to is hashed beside them. */
const uncompressing = () => {
  const gunzip = createGunzip()
  const { through, weighed } = Members.weighing()
  const sha256 = drained(through(gunzip)).then(
    () => weighed().sha256,
    () => "no gzip"
  )
  const roomOrEnd = () => Promise.race([new Promise((resolve) => gunzip.once("drain", resolve)), sha256])
  const passing = async function* (content: Content) {
    for await (const chunk of content) {
      if (!gunzip.destroyed && !gunzip.write(chunk)) await roomOrEnd()
      yield chunk
    }
    gunzip.end()
  }
  return { passing, sha256, end: () => gunzip.destroy() }
}

/** Resolves with the digest of what it holds. */
const taken = async ({ into, progress }: Receiving, kind: Kind, path: string, content: Content): Promise<string> => {
  const { through, weighed } = Members.weighing(progress.bytes)
  const put = (source: Content) => (into.keep ? toFile(path, source) : drained(source))
  if (kind === "blobs") {
    await put(through(content))
    return weighed().sha256
  }
  const { end, passing, sha256 } = uncompressing()
  try {
    await put(passing(through(content)))
    return await sha256
  } finally {
    end()
  }
}

const one = (receiving: Receiving, kind: Kind, digest: Digest, content: Content) =>
  Effect.tryPromise({
    try: async () => {
      const path = pathOf(receiving.into.directory, kind, digest)
      if (receiving.into.keep) await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      return taken(receiving, kind, path, content)
    },
    catch: failed
  })

/** Exactly those that the database needs, in its order; resolves with how many. */
export const receive = (
  receiving: Receiving,
  kind: Kind,
  digests: Iterable<Digest>
): Effect.Effect<number, BackupRefused> =>
  Effect.gen(function* () {
    let count = 0
    for (const digest of digests) {
      const member = `${kind}/${hexOf(digest)}`
      const found = yield* one(receiving, kind, digest, yield* receiving.opened.take(member))
      if (found !== hexOf(digest)) return yield* damaged(`${member} is not what its digest says`)
      count += 1
    }
    return count
  })
