/** What can happen to a snapshot: the content of a session's or service's volume at one moment. */
import { Schema } from "effect"
import { Evidence, unrecorded } from "./Evidence.js"
import { Micros, PublicKey, ServiceId, SessionId, SnapshotId } from "./Ids.js"
import { Layer, Origin } from "./Layer.js"
import { define, reader } from "./Versioned.js"

/** What it was taken of, or went into. */
export const Place = Schema.Union(
  Schema.TaggedStruct("Session", { session: SessionId }),
  Schema.TaggedStruct("Service", { service: ServiceId })
)
export type Place = typeof Place.Type

/** Why it is no more. The list only grows. */
const End = Schema.Literal("asked", "ttl")

const Of = { snapshot: SnapshotId }

const Taken = Schema.TaggedStruct("SnapshotTaken", {
  ...Of,
  owner: PublicKey,
  source: Place,
  name: Schema.String,
  layer: Layer,
  origin: Origin,
  /** Its source went on meanwhile. */
  hot: Schema.Boolean,
  expiresAt: Schema.NullOr(Micros)
})
const Locked = Schema.TaggedStruct("SnapshotLocked", Of)
const Unlocked = Schema.TaggedStruct("SnapshotUnlocked", { ...Of, evidence: Evidence })
const Restored = Schema.TaggedStruct("SnapshotRestored", { ...Of, into: Place })
const Cloned = Schema.TaggedStruct("SnapshotCloned", { ...Of, to: Place })
const Deleted = Schema.TaggedStruct("SnapshotDeleted", { ...Of, cause: End, evidence: Evidence })

export const SnapshotEvent = Schema.Union(Taken, Locked, Unlocked, Restored, Cloned, Deleted)
export type SnapshotEvent = typeof SnapshotEvent.Type
export type SnapshotTaken = typeof Taken.Type

export const all = [
  define("SnapshotTaken", Taken),
  define("SnapshotLocked", Locked),
  define("SnapshotUnlocked", Unlocked, unrecorded),
  define("SnapshotRestored", Restored),
  define("SnapshotCloned", Cloned),
  define("SnapshotDeleted", Deleted, unrecorded)
]
export const read = reader<SnapshotEvent>(...all)
