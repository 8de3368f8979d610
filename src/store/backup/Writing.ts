/** Members of a backup while it is written: documents, files that nobody changes, and what anything else is made of. */
import { createReadStream } from "node:fs"
import { Effect } from "effect"
import type * as tar from "tar-stream"
import { BackupRefused, failed } from "./BackupRefused.js"
import * as Members from "./Members.js"
import type { Progress } from "./Summary.js"

/** Bytes that are read from the disk at once. */
const READ = 256 * 1024

/** What the copied database needs is not there, or not what its digest says. */
export const unsteady = (what: string) =>
  new BackupRefused({ code: "unsteady", message: `${what} is missing or damaged: it cannot be backed up.` })

export interface Writing {
  readonly archive: tar.Pack
  /** The data directory. */
  readonly data: string
  readonly progress: Progress
}

export const streaming = <A>(body: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, BackupRefused> =>
  Effect.tryPromise({ try: body, catch: failed })

export const put = ({ archive, progress }: Writing, member: string, source: AsyncIterable<Uint8Array>) =>
  Members.put(archive, member, source, progress.bytes)

export const bytesOf = (path: string) => createReadStream(path, { highWaterMark: READ })

const once = async function* (bytes: Uint8Array) {
  yield bytes
}

export const document = (writing: Writing, member: string, content: unknown) =>
  streaming(() => put(writing, member, once(Buffer.from(JSON.stringify(content)))))

/** Of the copy, which nobody changes. */
export const file = (writing: Writing, member: string, path: string, weighed: Members.Weighed) =>
  Effect.filterOrFail(
    streaming(() => put(writing, member, bytesOf(path))),
    ({ sha256 }) => sha256 === weighed.sha256,
    () => unsteady(path)
  )
