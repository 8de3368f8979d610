/** Plausible histories of jobs, keys and containers, as drafts for the log. */
import type { AnyEvent } from "../../events/Catalogue.js"
import type { ContainerClaimed } from "../../events/Container.js"
import { type StreamId, stream } from "../../events/Envelope.js"
import { ContainerId, type Digest, JobId, PublicKey } from "../../events/Ids.js"
import type { JobAccepted, JobFinished, Output } from "../../events/Job.js"
import type { Draft } from "../../src/log/EventLog.js"
import { digestOf } from "../../src/store/Digest.js"

const hex = (n: number, width: number) => n.toString(16).padStart(width, "0")

export const jobId = (n: number): JobId => JobId.make(`unsb-job-${hex(n, 32)}`)
export const containerId = (n: number): ContainerId => ContainerId.make(`unsb-vm-${hex(n, 16)}`)
export const owner = (name: string): PublicKey => PublicKey.make(`unsb-pk-${name}`)

export const output = (text: string, truncated = false): Output => {
  const bytes = Buffer.from(text)
  return { digest: digestOf(bytes), bytes: bytes.length, kept: bytes.length, truncated }
}

export const accepted = (n: number, by: PublicKey, more: Partial<JobAccepted> = {}): JobAccepted => ({
  _tag: "JobAccepted",
  job: jobId(n),
  owner: by,
  language: "python",
  detected: false,
  network: "zerotrust",
  ttlMillis: 60_000,
  vcpu: 1,
  code: { digest: digestOf(Buffer.from("1")), bytes: 1 },
  inputs: [],
  wantsArtifacts: false,
  wantsWasm: false,
  awaited: true,
  idempotency: null,
  ...more
})

export const started = (n: number): AnyEvent => ({ _tag: "JobStarted", job: jobId(n), container: containerId(n) })

export const finished = (n: number, more: Partial<JobFinished> = {}): JobFinished => ({
  _tag: "JobFinished",
  job: jobId(n),
  status: "completed",
  cause: "completed",
  exitCode: 0,
  signal: null,
  reason: null,
  stdout: output("hello\n"),
  stderr: output(""),
  artifacts: [],
  usage: { wallMicros: 9_000, userMicros: 7_000, systemMicros: 1_000, peakBytes: 9_000_000 },
  ...more
})

export const sealed = (n: number): AnyEvent => ({
  _tag: "ContainerSealed",
  container: containerId(n),
  pool: "zerotrust",
  limits: { memoryBytes: 1 << 28, cpuMillis: 1_000, pids: 64, tmpBytes: 1 << 20 },
  seal: digestOf(Buffer.from(String(n))),
  hostPid: 1_000 + n,
  hostUid: 100_000 + n,
  cgroup: `/unsandbox/${n}`,
  spawnMicros: 900
})

export const claimed = (n: number, by: PublicKey): ContainerClaimed => ({
  _tag: "ContainerClaimed",
  container: containerId(n),
  claimant: { _tag: "Job", job: jobId(n) },
  owner: by,
  limits: { memoryBytes: 1 << 28, cpuMillis: 1_000, pids: 64, tmpBytes: 1 << 20 }
})

export const gone = (n: number): AnyEvent => ({
  _tag: "ContainerGone",
  container: containerId(n),
  ending: "finished",
  cpuMicros: 8_000,
  peakBytes: 9_000_000,
  left: 0
})

const draft = (on: StreamId, expected: number, events: ReadonlyArray<AnyEvent>): Draft => ({
  stream: on,
  expected,
  events,
  by: "root/test"
})

export const ofJob = (n: number, expected: number, ...events: ReadonlyArray<AnyEvent>) =>
  draft(stream("job", jobId(n)), expected, events)
export const ofContainer = (n: number, expected: number, ...events: ReadonlyArray<AnyEvent>) =>
  draft(stream("container", containerId(n)), expected, events)
export const ofKey = (key: PublicKey, expected: number, ...events: ReadonlyArray<AnyEvent>) =>
  draft(stream("key", key), expected, events)

export const reserved = (key: string, request: string): { readonly key: Digest; readonly request: Digest } => ({
  key: digestOf(Buffer.from(key)),
  request: digestOf(Buffer.from(request))
})
