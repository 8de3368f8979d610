/** An OCI image layout as it goes out: a tar of documents, and the layer as it lies on the disk. */
import type { FileHandle } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import * as tar from "tar-stream"
import type { Document } from "./Oci.js"
import * as TarStream from "./TarStream.js"

const BLOCK = 512
/** Two blocks of zeros. */
const END = 2 * BLOCK

const padded = (bytes: number): number => Math.ceil(bytes / BLOCK) * BLOCK

/** Of the whole archive: names and sizes here are small enough for plain headers. */
export const bytesOf = (documents: ReadonlyArray<Document>, layerBytes: number): number =>
  [...documents.map(({ bytes }) => bytes.length), layerBytes].reduce((sum, size) => sum + BLOCK + padded(size), END)

const written = (archive: tar.Pack, { bytes, path }: Document, mtime: Date): Promise<void> =>
  new Promise((resolve, reject) => {
    archive.entry({ name: path, mode: 0o644, mtime }, bytes, (error) => (error ? reject(error) : resolve()))
  })

interface Content {
  readonly documents: ReadonlyArray<Document>
  readonly layerPath: string
  readonly layerBytes: number
  readonly layer: FileHandle
  readonly mtime: Date
}

/** Whoever stops reading ends it. */
export const stream = ({ documents, layer, layerBytes, layerPath, mtime }: Content): TarStream.Chunks => {
  const archive = tar.pack()
  const filling = TarStream.fill(archive, async () => {
    for (const document of documents) await written(archive, document, mtime)
    const sink = archive.entry({ name: layerPath, size: layerBytes, mode: 0o644, mtime })
    await pipeline(layer.createReadStream({ autoClose: false }), sink)
  })
  // Its failure is the reader's.
  filling.catch(() => undefined)
  return TarStream.chunks(archive)
}
