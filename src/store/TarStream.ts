/** A foreign tar read entry by entry; what is no tar, or breaks off, is refused as that. */
import { createReadStream } from "node:fs"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import * as tar from "tar-stream"
import { ArchiveRefused } from "./Archives.js"

export type Chunks = AsyncIterable<Uint8Array>

const errorOf = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

const malformed = (error: unknown): unknown => {
  if (error instanceof ArchiveRefused) return error
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  // The disk's errors and an interruption have a code; those of the reader of tars have none.
  if (code !== "" && !code.startsWith("Z_") && code !== "ERR_STREAM_PREMATURE_CLOSE") return error
  return new ArchiveRefused({
    code: "archive_malformed",
    message: `The archive cannot be read: ${errorOf(error).message.slice(0, 100)}.`
  })
}

const bytesIn = async function* (source: AsyncIterable<unknown>): Chunks {
  for await (const chunk of source)
    if (chunk instanceof Uint8Array) yield chunk
    else throw new Error("no bytes")
}

export const each = async (
  source: Chunks,
  take: (header: tar.Header, content: Chunks) => Promise<void>,
  signal: AbortSignal
): Promise<void> => {
  const archive = tar.extract()
  const taking = async () => {
    for await (const entry of archive) {
      await take(entry.header, bytesIn(entry))
      entry.resume()
    }
  }
  const taken = taking().catch((error: unknown) => {
    archive.destroy(errorOf(error))
    throw error
  })
  try {
    await Promise.all([taken, pipeline(source, archive, { signal })])
  } catch (error) {
    throw malformed(error)
  }
}

/** A file's content, uncompressed where it is compressed. */
export const contentOf = async function* (path: string, gzip: boolean, signal: AbortSignal): Chunks {
  const file = createReadStream(path)
  if (!gzip) return yield* bytesIn(file)
  const gunzip = createGunzip()
  const reading = pipeline(file, gunzip, { signal })
  // Its failure is the gunzip's, and met there.
  reading.catch(() => undefined)
  yield* bytesIn(gunzip)
  await reading
}

/** For whoever fills an archive: that it ends badly is seen by its reader. */
export const fill = (archive: tar.Pack, filling: () => Promise<void>): Promise<void> =>
  filling().then(
    () => archive.finalize(),
    (error: unknown) => {
      archive.destroy(errorOf(error))
      throw error
    }
  )

/** What it comes to, piece by piece; whoever stops reading ends it. */
export const chunks = (archive: tar.Pack): Chunks => bytesIn(archive)
