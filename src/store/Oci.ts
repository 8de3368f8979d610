/** The documents of an OCI image layout: as we write them, and as much as we take of others'. */
import { Either, Schema } from "effect"
import { Digest } from "../../events/Ids.js"
import { ArchiveRefused, type Described } from "./Archives.js"
import { digestOf } from "./Digest.js"
import type { Layer, Stored } from "./Layers.js"

const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  tar: "application/vnd.oci.image.layer.v1.tar"
} as const

export interface Document {
  readonly path: string
  readonly bytes: Buffer
}

const pathOf = (digest: Digest): string => `blobs/sha256/${digest.slice("sha256:".length)}`

const blob = (value: object) => {
  const bytes = Buffer.from(JSON.stringify(value))
  const digest = digestOf(bytes)
  return { digest, path: pathOf(digest), bytes }
}

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" }

/** All but the layer itself, which lies under `layerPath`. */
export const documents = (layer: Layer, { bytes, digest }: Stored, { createdMillis, name }: Described) => {
  const created = new Date(createdMillis).toISOString()
  const config = blob({
    created,
    architecture: architectures[process.arch] ?? process.arch,
    os: "linux",
    config: { WorkingDir: "/home/sandbox", User: "1000" },
    rootfs: { type: "layers", diff_ids: [layer.digest] },
    history: [{ created, created_by: "unsandbox" }]
  })
  const manifest = blob({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, digest: config.digest, size: config.bytes.length },
    layers: [{ mediaType: types.gzip, digest, size: bytes }]
  })
  const entry = { mediaType: types.manifest, digest: manifest.digest, size: manifest.bytes.length }
  const annotations = { "org.opencontainers.image.ref.name": name }
  const index = { schemaVersion: 2, mediaType: types.index, manifests: [{ ...entry, annotations }] }
  const told: ReadonlyArray<Document> = [
    { path: "oci-layout", bytes: Buffer.from(JSON.stringify({ imageLayoutVersion: "1.0.0" })) },
    { path: "index.json", bytes: Buffer.from(JSON.stringify(index)) },
    config,
    manifest
  ]
  return { documents: told, layerPath: pathOf(digest) }
}

const Size = Schema.Int.pipe(Schema.nonNegative())
const descriptor = <const T extends ReadonlyArray<string>>(...allowed: T) =>
  Schema.Struct({ mediaType: Schema.Literal(...allowed), digest: Digest, size: Size })

const Layout = Schema.parseJson(Schema.Struct({ imageLayoutVersion: Schema.Literal("1.0.0") }))
const Index = Schema.parseJson(
  Schema.Struct({ schemaVersion: Schema.Literal(2), manifests: Schema.Tuple(descriptor(types.manifest)) })
)
const Manifest = Schema.parseJson(
  Schema.Struct({
    schemaVersion: Schema.Literal(2),
    config: descriptor(types.config),
    layers: Schema.Array(descriptor(types.gzip, types.tar)).pipe(Schema.minItems(1), Schema.maxItems(128))
  })
)
const Config = Schema.parseJson(
  Schema.Struct({
    os: Schema.Literal("linux"),
    rootfs: Schema.Struct({ type: Schema.Literal("layers"), diff_ids: Schema.Array(Digest) })
  })
)

export interface Reference {
  readonly digest: Digest
  readonly size: number
}

export interface LayerReference extends Reference {
  readonly diffId: Digest
  readonly gzip: boolean
}

const read =
  <A, I>(schema: Schema.Schema<A, I>, what: string) =>
  (text: string): A =>
    Either.getOrThrowWith(Schema.decodeUnknownEither(schema)(text), (error) => {
      const message = `${what} is not one that is understood: ${error.message.slice(0, 300)}`
      return new ArchiveRefused({ code: "archive_document", message })
    })

export const layout = read(Layout, "oci-layout")

/** The one manifest that it has: of several it is not known which is meant. */
export const manifestOf = (index: string): Reference => read(Index, "index.json")(index).manifests[0]

export const partsOf = read(Manifest, "The manifest")

export const layersOf = (manifest: ReturnType<typeof partsOf>, config: string): ReadonlyArray<LayerReference> => {
  const { diff_ids } = read(Config, "The configuration")(config).rootfs
  if (diff_ids.length !== manifest.layers.length)
    throw new ArchiveRefused({
      code: "archive_document",
      message: "The configuration has other layers than the manifest."
    })
  return manifest.layers.flatMap(({ digest, mediaType, size }, index) => {
    const diffId = diff_ids[index]
    return diffId === undefined ? [] : [{ digest, size, diffId, gzip: mediaType === types.gzip }]
  })
}
