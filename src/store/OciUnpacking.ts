/** The layers of a received image, one over the other, judged entry by entry and told anew to our own tar. */
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { pipeline } from "node:stream/promises"
import * as tar from "tar-stream"
import { ArchiveRefused } from "./Archives.js"
import { type Entry, ForeignTree } from "./ForeignTree.js"
import * as Oci from "./Oci.js"
import type { Limits, Received } from "./OciReceiving.js"
import type { Bounds } from "./TarMeter.js"
import type { Chunks } from "./TarStream.js"
import * as TarStream from "./TarStream.js"
import * as Tool from "./Tool.js"

interface Unpacking {
  readonly bounds: Bounds
  readonly left: Limits["left"]
  readonly partial: boolean
}

/** So much more than it was compressed, and so much at all, is not content but a bomb. */
const RATIO = 500
const SMALL = 64 * 1024 * 1024
const STRIDE = 64 * 1024 * 1024

const refuse = (code: string, message: string) => new ArchiveRefused({ code: `archive_${code}`, message })
const tooMuch = (what: string) =>
  new ArchiveRefused({ code: "archive_too_large", message: `The image holds more than ${what}.`, tooLarge: true })

/** Over all layers. */
class Budget {
  private bytes = 0
  private entries = 0
  private asked = 0

  constructor(private readonly unpacking: Unpacking) {}

  async spend(bytes: number, compressed: number, ofLayer: number): Promise<void> {
    const { bounds, left } = this.unpacking
    this.bytes += bytes
    if (this.bytes > bounds.bytes) throw tooMuch(`${bounds.bytes} bytes`)
    if (ofLayer > SMALL && ofLayer > compressed * RATIO)
      throw refuse("bomb", `A layer is more than ${RATIO} times as large as it was sent.`)
    if (this.bytes - this.asked < STRIDE) return
    this.asked = this.bytes
    await left()
  }

  entry(): void {
    this.entries += 1
    if (this.entries > this.unpacking.bounds.files) throw tooMuch(`${this.unpacking.bounds.files} files`)
  }
}

const documentOf = ({ documents }: Received, name: string): string => {
  const text = documents.get(name)
  if (text === undefined) throw refuse("document", `The archive has no ${name}: it is no OCI image layout.`)
  return text
}

const fileOf = ({ blobs }: Received, { digest, size }: Oci.Reference) => {
  const blob = blobs.get(digest)
  if (blob === undefined) throw refuse("missing", `The archive lacks the blob ${digest}.`)
  if (blob.bytes !== size) throw refuse("size", `The blob ${digest} has ${blob.bytes} bytes, and was to have ${size}.`)
  return blob
}

const MOST_DOCUMENT = 4 * 1024 * 1024

const textOf = async (received: Received, reference: Oci.Reference): Promise<string> => {
  const { bytes, path } = fileOf(received, reference)
  if (bytes > MOST_DOCUMENT) throw refuse("document", "A document of the image is larger than 4 MiB.")
  const chunks: Array<Uint8Array> = []
  for await (const chunk of createReadStream(path)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const layersOf = async (received: Received): Promise<ReadonlyArray<Oci.LayerReference>> => {
  Oci.layout(documentOf(received, "oci-layout"))
  const manifest = Oci.partsOf(await textOf(received, Oci.manifestOf(documentOf(received, "index.json"))))
  return Oci.layersOf(manifest, await textOf(received, manifest.config))
}

/** One entry, with its content. */
const put = async (into: tar.Pack, told: Entry, source: Chunks): Promise<void> => {
  if (told.type !== "file" || told.size === 0) {
    await new Promise<void>((resolve, reject) => {
      into.entry({ ...told, size: 0 }, "", (error) => (error ? reject(error) : resolve()))
    })
    return
  }
  await pipeline(source, into.entry(told))
}

const unpackOne = async (
  { diffId, gzip, ...reference }: Oci.LayerReference,
  received: Received,
  tree: ForeignTree,
  budget: Budget,
  into: tar.Pack,
  signal: AbortSignal
): Promise<void> => {
  const { bytes: compressed, path } = fileOf(received, reference)
  const hash = createHash("sha256")
  let ofLayer = 0
  const metered = async function* (source: Chunks) {
    for await (const chunk of source) {
      ofLayer += chunk.length
      await budget.spend(chunk.length, compressed, ofLayer)
      hash.update(chunk)
      yield chunk
    }
  }
  tree.nextLayer()
  const take = async (header: tar.Header, content: Chunks) => {
    budget.entry()
    const told = tree.take(header)
    if (told !== undefined) await put(into, told, content)
  }
  await TarStream.each(metered(TarStream.contentOf(path, gzip, signal)), take, signal)
  if (`sha256:${hash.digest("hex")}` !== diffId) throw refuse("digest", "A layer is not what the configuration says.")
}

/** Resolves when tar has been given all of it, with how much was left out. */
export const unpack = async (
  received: Received,
  running: Tool.Running,
  unpacking: Unpacking,
  signal: AbortSignal
): Promise<number> => {
  const layers = await layersOf(received)
  const tree = new ForeignTree(unpacking.partial)
  const budget = new Budget(unpacking)
  const into = tar.pack()
  const telling = TarStream.fill(into, async () => {
    for (const layer of layers) await unpackOne(layer, received, tree, budget, into, signal)
  })
  await Promise.all([telling, pipeline(TarStream.chunks(into), Tool.feed(running.stdin), { signal })])
  return tree.skipped
}
