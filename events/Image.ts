/** What can happen to an image: a layer with a name, which others may be let use. */
import { Schema } from "effect"
import { Evidence, unrecorded } from "./Evidence.js"
import { ImageId, PublicKey, ServiceId, SnapshotId } from "./Ids.js"
import { Layer, Origin } from "./Layer.js"
import { define, reader } from "./Versioned.js"

/** What it was made of. */
export const Source = Schema.Union(
  Schema.TaggedStruct("Service", { service: ServiceId }),
  Schema.TaggedStruct("Snapshot", { snapshot: SnapshotId }),
  Schema.TaggedStruct("Image", { image: ImageId }),
  /** An archive that somebody sent. */
  Schema.TaggedStruct("Import", {})
)
export type Source = typeof Source.Type

/** Unlisted: whoever knows the id may use it. */
export const Visibility = Schema.Literal("private", "unlisted", "public")
export type Visibility = typeof Visibility.Type

const Of = { image: ImageId }

const Published = Schema.TaggedStruct("ImagePublished", {
  ...Of,
  owner: PublicKey,
  source: Source,
  name: Schema.String,
  description: Schema.String,
  layer: Layer,
  origin: Origin,
  visibility: Visibility
})
const VisibilityChanged = Schema.TaggedStruct("ImageVisibilityChanged", {
  ...Of,
  visibility: Visibility,
  evidence: Evidence
})
const Granted = Schema.TaggedStruct("ImageGranted", { ...Of, key: PublicKey, evidence: Evidence })
const Revoked = Schema.TaggedStruct("ImageRevoked", { ...Of, key: PublicKey, evidence: Evidence })
/** What was granted stays granted. */
const Transferred = Schema.TaggedStruct("ImageTransferred", {
  ...Of,
  from: PublicKey,
  to: PublicKey,
  evidence: Evidence
})
const Locked = Schema.TaggedStruct("ImageLocked", Of)
const Unlocked = Schema.TaggedStruct("ImageUnlocked", { ...Of, evidence: Evidence })
const Spawned = Schema.TaggedStruct("ImageSpawned", { ...Of, service: ServiceId })
const Deleted = Schema.TaggedStruct("ImageDeleted", { ...Of, cause: Schema.Literal("asked"), evidence: Evidence })

export const ImageEvent = Schema.Union(
  ...[Published, VisibilityChanged, Granted, Revoked, Transferred, Locked, Unlocked, Spawned, Deleted]
)
export type ImageEvent = typeof ImageEvent.Type
export type ImagePublished = typeof Published.Type

export const all = [
  define("ImagePublished", Published),
  define("ImageVisibilityChanged", VisibilityChanged, unrecorded),
  define("ImageGranted", Granted, unrecorded),
  define("ImageRevoked", Revoked, unrecorded),
  define("ImageTransferred", Transferred, unrecorded),
  define("ImageLocked", Locked),
  define("ImageUnlocked", Unlocked, unrecorded),
  define("ImageSpawned", Spawned),
  define("ImageDeleted", Deleted, unrecorded)
]
export const read = reader<ImageEvent>(...all)
