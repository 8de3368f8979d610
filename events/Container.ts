/** What can happen to a container: it is sealed, claimed once, and gone. */
import { Schema } from "effect"
import { ContainerId, Digest, JobId, PoolId, PublicKey } from "./Ids.js"
import { define, reader } from "./Versioned.js"

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
  job: JobId,
  owner: PublicKey,
  limits: Limits
})

const Gone = Schema.TaggedStruct("ContainerGone", {
  container: ContainerId,
  ending: Ending,
  cpuMicros: Schema.NonNegativeInt,
  peakBytes: Schema.NonNegativeInt,
  /** Processes that were still there when the cgroup was read back; 0 is the proof of emptiness, null is not known. */
  left: Schema.NullOr(Schema.NonNegativeInt)
})

export const ContainerEvent = Schema.Union(Sealed, Claimed, Gone)
export type ContainerEvent = typeof ContainerEvent.Type
export type ContainerSealed = typeof Sealed.Type

export const all = [
  define("ContainerSealed", Sealed),
  define("ContainerClaimed", Claimed),
  define("ContainerGone", Gone)
]
export const read = reader<ContainerEvent>(...all)
