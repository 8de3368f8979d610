/** A row of the log: an event, where it stands, who caused it, and the hash that chains it to the row before. */
import { Schema } from "effect"
import { Micros } from "./Ids.js"
import type { JsonObject } from "./Versioned.js"

/** `kind/name`, for example `job/unsb-job-…`. */
export const StreamId = Schema.String.pipe(
  Schema.pattern(
    /^(job|confirmation|container|pool|session|service|snapshot|image|egress|key|supervisor|decision|node|name)\/[\x21-\x7e]{1,200}$/
  ),
  Schema.brand("StreamId")
)
export type StreamId = typeof StreamId.Type
type StreamKind =
  | "confirmation"
  | "container"
  | "decision"
  | "egress"
  | "image"
  | "job"
  | "key"
  | "name"
  | "node"
  | "pool"
  | "service"
  | "session"
  | "snapshot"
  | "supervisor"

export const stream = (kind: StreamKind, name: string): StreamId => StreamId.make(`${kind}/${name}`)

const Json = Schema.Record({ key: Schema.String, value: Schema.Unknown })

export const Row = Schema.Struct({
  /** Global, from 1, without gaps. */
  seq: Schema.Positive,
  stream: StreamId,
  /** Position in the stream, from 1, without gaps. */
  version: Schema.Positive,
  type: Schema.String,
  schema: Schema.Positive,
  at: Micros,
  /** A public key, or the path of an actor in the tree. */
  by: Schema.String,
  /** The command, or the seq it follows from. */
  cause: Schema.NullOr(Schema.String),
  /** The request's id. */
  trace: Schema.NullOr(Schema.String),
  data: Json,
  /** Hex sha256 of the row before; 64 zeros for the first. */
  prev: Schema.String,
  /** Hex sha256 of `prev` and the canonical encoding of everything above. */
  hash: Schema.String
})

export interface Row {
  readonly seq: number
  readonly stream: StreamId
  readonly version: number
  readonly type: string
  readonly schema: number
  readonly at: number
  readonly by: string
  readonly cause: string | null
  readonly trace: string | null
  readonly data: JsonObject
  readonly prev: string
  readonly hash: string
}
