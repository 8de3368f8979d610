/** The members of a backup's tar: pieces of one name each, so that what is still being written needs no length (Header.ts). */
import { createHash } from "node:crypto"
import type * as tar from "tar-stream"
import type { Chunks } from "../TarStream.js"
import { damaged } from "./BackupRefused.js"
import { cut } from "./Cut.js"

const PIECE = 2 ** 20
export const WITHDRAWN = "withdrawn"

/** What went by. */
export interface Weighed {
  readonly bytes: number
  /** Lowercase hex. */
  readonly sha256: string
}

/** Passes bytes on; `weighed` is to be asked at the end. */
export const weighing = (onBytes: (bytes: number) => void = () => undefined) => {
  const hash = createHash("sha256")
  let bytes = 0
  const through = async function* (source: AsyncIterable<Uint8Array>): Chunks {
    for await (const chunk of source) {
      hash.update(chunk)
      bytes += chunk.length
      onBytes(chunk.length)
      yield chunk
    }
  }
  return { through, weighed: (): Weighed => ({ bytes, sha256: hash.digest("hex") }) }
}

/** Resolves when whoever reads the archive has room for more. */
const entry = (archive: tar.Pack, name: string, bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const gone = () => reject(new Error("the archive was closed"))
    archive.once("close", gone)
    archive.entry({ name, mode: 0o600, mtime: new Date(0) }, bytes, (error) => {
      archive.off("close", gone)
      if (error) reject(error)
      else resolve()
    })
  })

export const put = async (
  archive: tar.Pack,
  name: string,
  source: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void
): Promise<Weighed> => {
  const { through, weighed } = weighing(onBytes)
  for await (const piece of cut(through(source), PIECE)) await entry(archive, name, piece)
  return weighed()
}

/** The member that was put last is not whole: whoever reads is to forget it. */
export const withdraw = (archive: tar.Pack): Promise<void> => entry(archive, WITHDRAWN, Buffer.alloc(0))

const bytesIn = async function* (source: AsyncIterable<unknown>): Chunks {
  for await (const chunk of source)
    if (chunk instanceof Uint8Array) yield chunk
    else throw damaged("it holds no bytes")
}

export interface Member {
  readonly name: string
  /** To be read to its end before the next member is asked for. */
  readonly content: Chunks
}

/** Of an archive that is being fed elsewhere. Undefined: there are no more. What is asked is answered or thrown. */
export const reader = (archive: tar.Extract) => {
  const entries = archive[Symbol.asyncIterator]()

  const next = async () => {
    const found = await entries.next()
    if (found.done === true) return undefined
    const { name, size, type } = found.value.header
    if (type !== "file" || size > PIECE) throw damaged("it holds what no backup holds")
    return { name, size, source: bytesIn(found.value) }
  }

  const content = async function* (first: NonNullable<Awaited<ReturnType<typeof next>>>): Chunks {
    let piece = first
    while (true) {
      yield* piece.source
      if (piece.size < PIECE) return
      const following = await next()
      if (following?.name !== first.name) throw damaged(`${first.name} breaks off`)
      piece = following
    }
  }

  return async (): Promise<Member | undefined> => {
    const first = await next()
    return first === undefined ? undefined : { name: first.name, content: content(first) }
  }
}
