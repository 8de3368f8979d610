/** What can happen to a job: one program, run once. */
import { Schema } from "effect"
import { ContainerId, Digest, JobId, PoolId, PublicKey } from "./Ids.js"
import { define, reader } from "./Versioned.js"

const Blob = Schema.Struct({ digest: Digest, bytes: Schema.NonNegativeInt })

/** `bytes` is what the program wrote, `kept` what the digest covers. */
export const Output = Schema.Struct({
  digest: Digest,
  bytes: Schema.NonNegativeInt,
  kept: Schema.NonNegativeInt,
  truncated: Schema.Boolean
})
export type Output = typeof Output.Type

const Artifact = Schema.Struct({
  filename: Schema.String,
  digest: Digest,
  bytes: Schema.NonNegativeInt,
  kind: Schema.Literal("file", "binary", "wasm")
})

/** Why a job ended. The list only grows. */
export const Termination = Schema.Literal(
  "completed",
  "exit",
  "ttl",
  "oom",
  "cancelled",
  "killed",
  "evicted",
  "no-capacity",
  "node-lost",
  "control-plane-restart"
)
export type Termination = typeof Termination.Type

export const Status = Schema.Literal("completed", "failed", "timeout", "cancelled")
export type Status = typeof Status.Type

export const Usage = Schema.Struct({
  wallMicros: Schema.NonNegativeInt,
  userMicros: Schema.NonNegativeInt,
  systemMicros: Schema.NonNegativeInt,
  peakBytes: Schema.NonNegativeInt
})
export type Usage = typeof Usage.Type

const Accepted = Schema.TaggedStruct("JobAccepted", {
  job: JobId,
  owner: PublicKey,
  language: Schema.String,
  detected: Schema.Boolean,
  network: PoolId,
  ttlMillis: Schema.Positive,
  vcpu: Schema.Int,
  code: Blob,
  inputs: Schema.Array(Schema.Struct({ name: Schema.String, ...Blob.fields })),
  wantsArtifacts: Schema.Boolean,
  wantsWasm: Schema.Boolean,
  awaited: Schema.Boolean,
  /** The caller's Idempotency-Key (hashed) and the digest of the request that it stands for. */
  idempotency: Schema.NullOr(Schema.Struct({ key: Digest, request: Digest }))
})

const Started = Schema.TaggedStruct("JobStarted", { job: JobId, container: ContainerId })

const Finished = Schema.TaggedStruct("JobFinished", {
  job: JobId,
  status: Status,
  cause: Termination,
  exitCode: Schema.Int,
  signal: Schema.NullOr(Schema.Int),
  reason: Schema.NullOr(Schema.String),
  stdout: Output,
  stderr: Output,
  artifacts: Schema.Array(Artifact),
  usage: Usage
})

export const JobEvent = Schema.Union(Accepted, Started, Finished)
export type JobEvent = typeof JobEvent.Type
export type JobAccepted = typeof Accepted.Type
export type JobFinished = typeof Finished.Type

export const all = [define("JobAccepted", Accepted), define("JobStarted", Started), define("JobFinished", Finished)]
export const read = reader<JobEvent>(...all)
