/** What can happen to a container: it is sealed, claimed once, gone, and, should that have left something, empty. */
import { Schema } from "effect"
import { ContainerId, Digest, JobId, PoolId, PublicKey, ServiceId, SessionId } from "./Ids.js"
import { define, reader, type Upcaster } from "./Versioned.js"

export const Limits = Schema.Struct({
  memoryBytes: Schema.NonNegativeInt,
  cpuMillis: Schema.NonNegativeInt,
  pids: Schema.NonNegativeInt,
  tmpBytes: Schema.NonNegativeInt
})
export type Limits = typeof Limits.Type

/** Why a container is gone. The list only grows. */
export const Ending = Schema.Literal(
  "finished",
  "ttl",
  "oom",
  "cancelled",
  "died",
  "unsealed",
  "surplus",
  "shutdown",
  "node-lost",
  "control-plane-restart"
)
export type Ending = typeof Ending.Type

/** What a container is claimed for. */
export const Claimant = Schema.Union(
  Schema.TaggedStruct("Job", { job: JobId }),
  Schema.TaggedStruct("Session", { session: SessionId }),
  Schema.TaggedStruct("Service", { service: ServiceId })
)
export type Claimant = typeof Claimant.Type

const Sealed = Schema.TaggedStruct("ContainerSealed", {
  container: ContainerId,
  pool: PoolId,
  limits: Limits,
  /** Digest of the facts read back from the kernel. */
  seal: Digest,
  hostPid: Schema.NonNegativeInt,
  hostUid: Schema.NonNegativeInt,
  cgroup: Schema.String,
  spawnMicros: Schema.NonNegativeInt
})

const Claimed = Schema.TaggedStruct("ContainerClaimed", {
  container: ContainerId,
  claimant: Claimant,
  owner: PublicKey,
  limits: Limits
})

/** Version 1 named a job: nothing else could claim a container. */
const claimedByJob: Upcaster = ({ job = null, ...rest }) => ({ ...rest, claimant: { _tag: "Job", job } })

const Gone = Schema.TaggedStruct("ContainerGone", {
  container: ContainerId,
  ending: Ending,
  cpuMicros: Schema.NonNegativeInt,
  peakBytes: Schema.NonNegativeInt,
  /** Processes that were still there when the cgroup was read back; 0 is the proof of emptiness, null is not known. */
  left: Schema.NullOr(Schema.NonNegativeInt)
})

/** Of one that was gone but for some processes: a later look showed none. */
const Emptied = Schema.TaggedStruct("ContainerEmptied", { container: ContainerId })

export const ContainerEvent = Schema.Union(Sealed, Claimed, Gone, Emptied)
export type ContainerEvent = typeof ContainerEvent.Type
export type ContainerSealed = typeof Sealed.Type
export type ContainerClaimed = typeof Claimed.Type

export const all = [
  define("ContainerSealed", Sealed),
  define("ContainerClaimed", Claimed, claimedByJob),
  define("ContainerGone", Gone),
  define("ContainerEmptied", Emptied)
]
export const read = reader<ContainerEvent>(...all)
