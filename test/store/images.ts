/** Foreign OCI image layouts, made to be right, or wrong in one way. */
import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"
import * as tar from "tar-stream"

export type Entry = Parameters<tar.Pack["entry"]>[0] & { readonly content?: string | Uint8Array }

export interface Wrong {
  readonly layout?: string
  readonly layerType?: string
  readonly configType?: string
  readonly diffIds?: (right: ReadonlyArray<string>) => ReadonlyArray<string>
  readonly layerSize?: number
  readonly os?: string
  /** Another content under the layer's name. */
  readonly blob?: (right: Buffer) => Buffer
  readonly manifests?: (right: object) => ReadonlyArray<object>
  readonly more?: ReadonlyArray<Entry>
  readonly without?: string
  readonly plain?: boolean
}

const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

const collected = async (archive: AsyncIterable<unknown>): Promise<Buffer> => {
  const chunks: Array<Uint8Array> = []
  for await (const chunk of archive) if (chunk instanceof Uint8Array) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export const archiveOf = async (entries: ReadonlyArray<Entry>): Promise<Buffer> => {
  const archive = tar.pack()
  for (const { content, ...header } of entries) {
    const bytes = Buffer.from(content ?? "")
    archive.entry({ mtime: new Date(0), ...header, size: header.size ?? bytes.length }, bytes)
  }
  archive.finalize()
  return collected(archive)
}

export const imageOf = async (layers: ReadonlyArray<ReadonlyArray<Entry>>, wrong: Wrong = {}): Promise<Buffer> => {
  const plain = await Promise.all(layers.map(archiveOf))
  const blobs = plain.map((bytes) => (wrong.plain === true ? bytes : gzipSync(bytes)))
  const diffIds = plain.map((bytes) => `sha256:${sha(bytes)}`)
  const type = `application/vnd.oci.image.layer.v1.tar${wrong.plain === true ? "" : "+gzip"}`
  const config = Buffer.from(
    JSON.stringify({
      os: wrong.os ?? "linux",
      rootfs: { type: "layers", diff_ids: wrong.diffIds?.(diffIds) ?? diffIds }
    })
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      config: {
        mediaType: wrong.configType ?? "application/vnd.oci.image.config.v1+json",
        digest: `sha256:${sha(config)}`,
        size: config.length
      },
      layers: blobs.map((blob) => ({
        mediaType: wrong.layerType ?? type,
        digest: `sha256:${sha(blob)}`,
        size: wrong.layerSize ?? blob.length
      }))
    })
  )
  const described = {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: `sha256:${sha(manifest)}`,
    size: manifest.length
  }
  const index = JSON.stringify({ schemaVersion: 2, manifests: wrong.manifests?.(described) ?? [described] })
  const entries: ReadonlyArray<Entry> = [
    { name: "oci-layout", content: wrong.layout ?? '{"imageLayoutVersion":"1.0.0"}' },
    { name: "blobs", type: "directory" },
    { name: "blobs/sha256", type: "directory" },
    ...blobs.map((blob) => ({ name: `blobs/sha256/${sha(blob)}`, content: wrong.blob?.(blob) ?? blob })),
    { name: `blobs/sha256/${sha(config)}`, content: config },
    { name: `blobs/sha256/${sha(manifest)}`, content: manifest },
    { name: "index.json", content: index },
    ...(wrong.more ?? [])
  ]
  return archiveOf(entries.filter(({ name }) => name !== wrong.without))
}
