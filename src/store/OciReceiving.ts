/** An OCI image layout as it comes in: its blobs become files of ours, named by digest, and its documents text. */
import { createHash } from "node:crypto"
import { open } from "node:fs/promises"
import { join } from "node:path"
import { Schema } from "effect"
import type { Header } from "tar-stream"
import { Digest } from "../../events/Ids.js"
import { ArchiveRefused, type Sending } from "./Archives.js"
import { partsOf } from "./ForeignTree.js"
import type { Chunks } from "./TarStream.js"
import * as TarStream from "./TarStream.js"

export interface Limits {
  readonly bytes: number
  /** Refuses when the disk is at its reserve. */
  readonly left: () => Promise<void>
}

export interface Received {
  readonly documents: ReadonlyMap<string, string>
  /** Where they are, and how long. */
  readonly blobs: ReadonlyMap<Digest, { readonly path: string; readonly bytes: number }>
}

const ENTRIES = 1_024
const DOCUMENT_BYTES = 1024 * 1024
const STRIDE = 64 * 1024 * 1024
const documents = ["oci-layout", "index.json"]
/** What docker adds to say the same in its own way. */
const beside = ["manifest.json", "repositories"]
const isDigest = Schema.is(Digest)

const refuse = (code: string, message: string) => new ArchiveRefused({ code: `archive_${code}`, message })

const tooLarge = (bytes: number) =>
  new ArchiveRefused({
    code: "archive_too_large",
    message: `The archive has more than ${bytes} bytes.`,
    tooLarge: true
  })

const textOf = async (source: Chunks): Promise<string> => {
  const chunks: Array<Uint8Array> = []
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    if (bytes > DOCUMENT_BYTES) throw refuse("document", "A document of the archive is larger than 1 MiB.")
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const toFile = async (source: Chunks, path: string) => {
  const file = await open(path, "wx", 0o600)
  const hash = createHash("sha256")
  let bytes = 0
  try {
    for await (const chunk of source) {
      hash.update(chunk)
      bytes += chunk.length
      await file.writeFile(chunk)
    }
  } finally {
    await file.close()
  }
  return { bytes, digest: Digest.make(`sha256:${hash.digest("hex")}`) }
}

class Receiving {
  readonly documents = new Map<string, string>()
  readonly blobs = new Map<Digest, { readonly path: string; readonly bytes: number }>()
  private entries = 0

  constructor(private readonly directory: string) {}

  async take({ name, type }: Header, source: Chunks): Promise<void> {
    this.entries += 1
    if (this.entries > ENTRIES) throw refuse("entries", `The archive has more than ${ENTRIES} entries.`)
    const path = partsOf(name).join("/")
    if (type === "directory") return
    if (type !== "file") throw refuse("type", `The archive has a ${type}, where an OCI image layout has files only.`)
    if (documents.includes(path)) return this.document(path, source)
    const digest = path.replace(/^blobs\/sha256\//, "sha256:")
    if (isDigest(digest)) return this.blob(digest, source)
    if (!beside.includes(path)) throw refuse("entry", "The archive has a file that no OCI image layout has.")
    for await (const _ of source);
  }

  private async document(path: string, source: Chunks): Promise<void> {
    if (this.documents.has(path)) throw refuse("duplicate", `The archive has ${path} twice.`)
    this.documents.set(path, await textOf(source))
  }

  private async blob(named: Digest, source: Chunks): Promise<void> {
    if (this.blobs.has(named)) throw refuse("duplicate", `The archive has the blob ${named} twice.`)
    const path = join(this.directory, named.slice("sha256:".length))
    const { bytes, digest } = await toFile(source, path)
    if (digest !== named) throw refuse("digest", `The blob ${named} is not what its digest says.`)
    this.blobs.set(named, { path, bytes })
  }
}

const counted = ({ bytes: most, left }: Limits) => {
  const hash = createHash("sha256")
  let [bytes, asked] = [0, 0]
  const through = async function* (source: Chunks) {
    for await (const chunk of source) {
      bytes += chunk.length
      if (bytes > most) throw tooLarge(most)
      hash.update(chunk)
      if (bytes - asked >= STRIDE) {
        asked = bytes
        await left()
      }
      yield chunk
    }
  }
  return { through, digest: () => `sha256:${hash.digest("hex")}` }
}

/** Blobs are in the directory when it resolves, and all of it is what its sender said it would be. */
export const receive = async (
  { digest: said, source }: Sending,
  directory: string,
  limits: Limits,
  signal: AbortSignal
): Promise<Received> => {
  await limits.left()
  const receiving = new Receiving(directory)
  const { digest, through } = counted(limits)
  // A refusal is to be answered on the line that the rest of it still comes in on.
  const incoming = through(source.iterator({ destroyOnReturn: false }))
  await TarStream.each(incoming, (header, content) => receiving.take(header, content), signal)
  if (digest() !== said) throw refuse("digest", "The archive is not what the digest of its sender says.")
  return receiving
}
