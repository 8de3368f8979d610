/** Why a layer is not made or given, in words for callers. */
import { StoreUnavailable } from "./Blobs.js"
import { LayerRefused, type Unfit } from "./Layers.js"

export const WITHIN = "15 minutes"

const refused = (why: Unfit, message: string, note?: string) =>
  new LayerRefused({ why, message, ...(note === undefined ? {} : { note }) })

export const late = () => refused("busy", `It could not be done within ${WITHIN}. Try again when less is going on.`)
export const unreadable = (said: string) =>
  refused("unfit", "Something in it cannot be kept: a name that is too long, or a file that cannot be read.", said)
export const changed = (said: string) => refused("busy", "Its files changed while they were read. Try again.", said)
const missing = refused("missing", "What it is made of is no longer there.")
export const damaged = (note: string) =>
  refused("damaged", "What it is made of is damaged on the disk; nothing was changed.", note)
export const noRoom = refused(
  "no-room",
  "The disk of this server has no room for it. Delete snapshots, or ask the operator."
)

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : ""

export const unavailable = (error: unknown) =>
  new StoreUnavailable({ reason: error instanceof Error ? error.message : String(error) })

/** What the disk or a stream threw, as callers are told. */
export const of = (error: unknown): LayerRefused | StoreUnavailable => {
  if (error instanceof LayerRefused) return error
  const code = codeOf(error)
  if (code === "ENOENT") return missing
  if (code === "ENOSPC" || code === "EDQUOT") return noRoom
  return code.startsWith("Z_") ? damaged(code) : unavailable(error)
}
