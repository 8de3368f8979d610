/** What can happen to a service: a program that stays, with a root of its own. Values of its vault are never in an event. */
import { Schema } from "effect"
import { Evidence, unrecorded } from "./Evidence.js"
import { Hold } from "./Hold.js"
import { ContainerId, Digest, PoolId, PublicKey, ServiceId } from "./Ids.js"
import { define, reader, type Upcaster } from "./Versioned.js"

const Blob = Schema.Struct({ digest: Digest, bytes: Schema.NonNegativeInt })
export type Blob = typeof Blob.Type

const Inputs = Schema.Array(Schema.Struct({ name: Schema.String, ...Blob.fields }))
export type Inputs = typeof Inputs.Type

/** Why it is started once more. The list only grows. */
export const Again = Schema.Literal("died", "exited", "restored", "container-lost")
export type Again = typeof Again.Type

/** Why it does not run and will not by itself. The list only grows. */
const Fault = Schema.Literal("exit", "died", "no-capacity", "unstartable")

export const Failure = Schema.Struct({
  cause: Fault,
  /** Of its bootstrap, when that ended. */
  exitCode: Schema.NullOr(Schema.Int),
  reason: Schema.String
})
export type Failure = typeof Failure.Type

/** Why it is no more. The list only grows. */
const End = Schema.Literal("asked")

const Of = { service: ServiceId }

const Created = Schema.TaggedStruct("ServiceCreated", {
  ...Of,
  owner: PublicKey,
  name: Schema.String,
  domains: Schema.Array(Schema.String),
  network: PoolId,
  vcpu: Schema.Int,
  /** Inside, in the caller's order: the first is the one that visitors mean. */
  ports: Schema.Array(Schema.Int),
  serviceType: Schema.NullOr(Schema.String),
  /** A TCP port of this host that leads to it. */
  publicPort: Schema.NullOr(Schema.Int),
  bootstrap: Schema.NullOr(Blob),
  inputs: Inputs,
  /** The layer that its root begins with. */
  from: Schema.NullOr(Digest),
  unfreezeOnDemand: Schema.Boolean,
  showFreezePage: Schema.Boolean
})

const Starting = Schema.TaggedStruct("ServiceStarting", { ...Of, cause: Again })
const Started = Schema.TaggedStruct("ServiceStarted", { ...Of, container: ContainerId })
const Frozen = Schema.TaggedStruct("ServiceFrozen", {
  ...Of,
  /** Null: its owner asked for it. */
  hold: Schema.NullOr(Hold)
})
/** Version 1: nobody else froze services. */
const asked: Upcaster = (old) => ({ ...old, hold: null })
/** Its container runs on where it was, or, after a deep freeze, it is started from its root. */
const Thawed = Schema.TaggedStruct("ServiceThawed", Of)
/** No container any more: only its root is kept. */
const DeepFrozen = Schema.TaggedStruct("ServiceDeepFrozen", Of)
const Redeploying = Schema.TaggedStruct("ServiceRedeploying", {
  ...Of,
  /** Null: the one that its root has. */
  bootstrap: Schema.NullOr(Blob),
  inputs: Inputs,
  evidence: Evidence
})
/** While its root is being replaced. */
const Stopped = Schema.TaggedStruct("ServiceStopped", { ...Of, cause: Schema.Literal("restoring"), evidence: Evidence })
const Failed = Schema.TaggedStruct("ServiceFailed", { ...Of, failure: Failure })
const Resized = Schema.TaggedStruct("ServiceResized", { ...Of, vcpu: Schema.Int })
const Locked = Schema.TaggedStruct("ServiceLocked", Of)
const Unlocked = Schema.TaggedStruct("ServiceUnlocked", { ...Of, evidence: Evidence })
const DomainsChanged = Schema.TaggedStruct("ServiceDomainsChanged", { ...Of, domains: Schema.Array(Schema.String) })
const Renamed = Schema.TaggedStruct("ServiceRenamed", { ...Of, name: Schema.String })
const PolicyChanged = Schema.TaggedStruct("ServicePolicyChanged", {
  ...Of,
  unfreezeOnDemand: Schema.Boolean,
  showFreezePage: Schema.Boolean
})
/** All names that are in the vault now. */
const VaultChanged = Schema.TaggedStruct("VaultChanged", {
  ...Of,
  names: Schema.Array(Schema.String),
  /** Of those that are marked: the hosts that their values may go to. */
  egress: Schema.Record({ key: Schema.String, value: Schema.Array(Schema.String) }),
  /** Of who filled or emptied it; none where it came with the service. */
  evidence: Evidence
})
/** Version 1: nothing was marked, and who agreed to it was not recorded. */
const unmarked: Upcaster = (old) => ({ ...old, egress: {}, evidence: [] })
const Destroyed = Schema.TaggedStruct("ServiceDestroyed", { ...Of, cause: End, evidence: Evidence })
/** Its root, its log and its vault are deleted, and its names are free. */
const Erased = Schema.TaggedStruct("ServiceErased", Of)

export const ServiceEvent = Schema.Union(
  ...[Created, Starting, Started, Frozen, Thawed, DeepFrozen, Redeploying, Stopped, Failed],
  ...[Resized, Locked, Unlocked, DomainsChanged, Renamed, PolicyChanged, VaultChanged, Destroyed, Erased]
)
export type ServiceEvent = typeof ServiceEvent.Type
export type ServiceCreated = typeof Created.Type

export const all = [
  define("ServiceCreated", Created),
  define("ServiceStarting", Starting),
  define("ServiceStarted", Started),
  define("ServiceFrozen", Frozen, asked),
  define("ServiceThawed", Thawed),
  define("ServiceDeepFrozen", DeepFrozen),
  define("ServiceRedeploying", Redeploying, unrecorded),
  define("ServiceStopped", Stopped, unrecorded),
  define("ServiceFailed", Failed),
  define("ServiceResized", Resized),
  define("ServiceLocked", Locked),
  define("ServiceUnlocked", Unlocked, unrecorded),
  define("ServiceDomainsChanged", DomainsChanged),
  define("ServiceRenamed", Renamed),
  define("ServicePolicyChanged", PolicyChanged),
  define("VaultChanged", VaultChanged, unmarked),
  define("ServiceDestroyed", Destroyed, unrecorded),
  define("ServiceErased", Erased)
]
export const read = reader<ServiceEvent>(...all)
