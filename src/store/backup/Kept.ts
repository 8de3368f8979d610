/** Where blobs and layers lie in a data directory, as BlobFiles and LayerFiles have it. */
import { join } from "node:path"
import { Digest } from "../../../events/Ids.js"

export type Kind = "blobs" | "layers"

const SUFFIX = { blobs: "", layers: ".tar.gz" } as const

export const hexOf = (digest: Digest): string => digest.slice("sha256:".length)

export const pathOf = (data: string, kind: Kind, digest: Digest): string => {
  const hex = hexOf(digest)
  return join(data, kind, hex.slice(0, 2), `${hex.slice(2)}${SUFFIX[kind]}`)
}

/** Of a member's name; undefined when it is none. */
export const digestOf = (hex: string): Digest | undefined =>
  /^[0-9a-f]{64}$/.test(hex) ? Digest.make(`sha256:${hex}`) : undefined
