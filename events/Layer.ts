/** What a snapshot or an image is made of, and how the thing was that it was made of. */
import { Schema } from "effect"
import { ContainerId, Digest, PoolId } from "./Ids.js"

export const Layer = Schema.Struct({
  /** Of the uncompressed tar: the layer's name in the store. */
  digest: Digest,
  bytes: Schema.NonNegativeInt,
  /** On disk, compressed. */
  stored: Schema.NonNegativeInt,
  files: Schema.NonNegativeInt
})
export type Layer = typeof Layer.Type

/** What a clone takes over where nothing else is asked for. */
export const Origin = Schema.Struct({
  network: PoolId,
  vcpu: Schema.Int,
  /** Of a session. */
  shell: Schema.NullOr(Schema.String),
  /** Of a service. */
  ports: Schema.Array(Schema.Int),
  serviceType: Schema.NullOr(Schema.String),
  /** Null: none at the time. */
  container: Schema.NullOr(ContainerId)
})
export type Origin = typeof Origin.Type
