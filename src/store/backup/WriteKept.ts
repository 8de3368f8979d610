/** Large blobs and layers as they go into a backup: each is what its name says, or no backup is made. */
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import type { Digest } from "../../../events/Ids.js"
import { hexOf, type Kind, pathOf } from "./Kept.js"
import * as Members from "./Members.js"
import { bytesOf, put, streaming, unsteady, type Writing } from "./Writing.js"

/** Swept meanwhile, or no gzip. */
const MISFITS = /^(ENOENT|Z_)/

const codeOf = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : "")

/** Large blobs and layers by digest; resolves with how many. */
export const write = (writing: Writing, kind: Kind, digests: Iterable<Digest>) =>
  streaming(async (signal) => {
    let count = 0
    for (const digest of digests) {
      const path = pathOf(writing.data, kind, digest)
      const found = await (kind === "blobs" ? plain : compressed)(
        writing,
        `${kind}/${hexOf(digest)}`,
        path,
        signal
      ).catch((error: unknown) => {
        throw MISFITS.test(codeOf(error)) ? unsteady(path) : error
      })
      if (found !== hexOf(digest)) throw unsteady(path)
      count += 1
    }
    return count
  })

const plain = async (writing: Writing, member: string, path: string): Promise<string> =>
  (await put(writing, member, bytesOf(path))).sha256

/** Once as it lies there, and once to see that it is what its name says. */
const compressed = async (writing: Writing, member: string, path: string, signal: AbortSignal): Promise<string> => {
  const { through, weighed } = Members.weighing()
  const drain = async (source: AsyncIterable<Uint8Array>) => {
    for await (const _ of through(source));
  }
  await pipeline(bytesOf(path), createGunzip(), drain, { signal })
  await put(writing, member, bytesOf(path))
  return weighed().sha256
}
