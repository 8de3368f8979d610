/** Where blobs and layers lie in a data directory, as BlobFiles and LayerFiles have it. */
import { join } from "node:path"
import type { Digest } from "../../../events/Ids.js"

export type Kind = "blobs" | "layers"

const SUFFIX = { blobs: "", layers: ".tar.gz" } as const

export const hexOf = (digest: Digest): string => digest.slice("sha256:".length)

export const pathOf = (data: string, kind: Kind, digest: Digest): string => {
  const hex = hexOf(digest)
  return join(data, kind, hex.slice(0, 2), `${hex.slice(2)}${SUFFIX[kind]}`)
}
