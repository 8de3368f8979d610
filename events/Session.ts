/** What can happen to a session: a shell in a container of its own. Neither what is typed nor what is shown is in an event. */
import { Schema } from "effect"
import { Evidence, unrecorded } from "./Evidence.js"
import { Hold } from "./Hold.js"
import { ContainerId, Digest, Micros, PoolId, PublicKey, SessionId } from "./Ids.js"
import { define, reader, type Upcaster } from "./Versioned.js"

const Blob = Schema.Struct({ digest: Digest, bytes: Schema.NonNegativeInt })

/** What keeps its programs when nobody is connected. The list only grows. */
export const Multiplexer = Schema.Literal("tmux", "screen")
export type Multiplexer = typeof Multiplexer.Type

/** What is recorded of it. */
export const Audit = Schema.Literal("none", "output", "input")
export type Audit = typeof Audit.Type

/** Why it is no more. The list only grows. */
export const Cause = Schema.Literal(
  "exit",
  "ttl",
  "deleted",
  "disconnected",
  "oom",
  "killed",
  "no-capacity",
  "unstartable",
  "node-lost",
  "control-plane-restart"
)
export type Cause = typeof Cause.Type

/** Why it has no container. */
export const Rest = Schema.Literal("deep-frozen", "restoring")
export type Rest = typeof Rest.Type

const Of = { session: SessionId }

const Opened = Schema.TaggedStruct("SessionOpened", {
  ...Of,
  owner: PublicKey,
  network: PoolId,
  shell: Schema.String,
  multiplexer: Schema.NullOr(Multiplexer),
  vcpu: Schema.Int,
  /** Null: no limit. */
  expiresAt: Schema.NullOr(Micros),
  audit: Audit,
  inputs: Schema.Array(Schema.Struct({ name: Schema.String, ...Blob.fields })),
  /** The layer that its root begins with. */
  from: Schema.NullOr(Digest)
})

const Started = Schema.TaggedStruct("SessionStarted", { ...Of, container: ContainerId })
/** A new control plane found its container running and goes on with it. */
const Adopted = Schema.TaggedStruct("SessionAdopted", { ...Of, container: ContainerId })
const Frozen = Schema.TaggedStruct("SessionFrozen", {
  ...Of,
  /** Null: its owner asked for it. */
  hold: Schema.NullOr(Hold)
})
/** Version 1: nobody else froze sessions. */
const asked: Upcaster = (old) => ({ ...old, hold: null })
const Thawed = Schema.TaggedStruct("SessionThawed", Of)
/** No container any more: only its root is kept. */
const Stopped = Schema.TaggedStruct("SessionStopped", { ...Of, rest: Rest, evidence: Evidence })
/** Its root is now what this layer holds. */
const Restored = Schema.TaggedStruct("SessionRestored", { ...Of, layer: Digest })
const Boosted = Schema.TaggedStruct("SessionBoosted", { ...Of, vcpu: Schema.Int })
const Unboosted = Schema.TaggedStruct("SessionUnboosted", Of)
const Locked = Schema.TaggedStruct("SessionLocked", Of)
const Unlocked = Schema.TaggedStruct("SessionUnlocked", { ...Of, evidence: Evidence })
const Extended = Schema.TaggedStruct("SessionExtended", { ...Of, expiresAt: Schema.NullOr(Micros) })

const Ended = Schema.TaggedStruct("SessionEnded", {
  ...Of,
  cause: Cause,
  /** Of its shell, when that ended. */
  exitCode: Schema.NullOr(Schema.Int),
  reason: Schema.NullOr(Schema.String),
  /** Of who ended it; empty when it ended by itself. */
  evidence: Evidence
})

/** Its recording is closed and kept. */
const Recorded = Schema.TaggedStruct("SessionRecorded", { ...Of, recording: Blob })

export const SessionEvent = Schema.Union(
  ...[Opened, Started, Adopted, Frozen, Thawed, Stopped, Restored, Boosted, Unboosted],
  ...[Locked, Unlocked, Extended, Ended, Recorded]
)
export type SessionEvent = typeof SessionEvent.Type
export type SessionOpened = typeof Opened.Type
export type SessionEnded = typeof Ended.Type
export type Recording = typeof Recorded.Type.recording

export const all = [
  define("SessionOpened", Opened),
  define("SessionStarted", Started),
  define("SessionAdopted", Adopted),
  define("SessionFrozen", Frozen, asked),
  define("SessionThawed", Thawed),
  define("SessionStopped", Stopped, unrecorded),
  define("SessionRestored", Restored),
  define("SessionBoosted", Boosted),
  define("SessionUnboosted", Unboosted),
  define("SessionLocked", Locked),
  define("SessionUnlocked", Unlocked, unrecorded),
  define("SessionExtended", Extended),
  define("SessionEnded", Ended, unrecorded),
  define("SessionRecorded", Recorded)
]
export const read = reader<SessionEvent>(...all)
