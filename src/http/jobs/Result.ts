/** What is told of a job: every key that some client reads, times in milliseconds and ISO 8601, never a null. */
import { isUtf8 } from "node:buffer"
import type * as Job from "../../../events/Job.js"
import type { JobStatus, JobView } from "../../projections/JobTable.js"
import { iso } from "../Moment.js"
import type { Large } from "../wire/Large.js"
import type { Accepted, ExecuteResult } from "./Execution.js"
import type { JobState, JobSummary } from "./JobGroup.js"

/** What a job is, whoever tells of it. Times in microseconds since 1970. */
export type About = Pick<
  JobView,
  "job" | "language" | "detected" | "network" | "createdAt" | "startedAt" | "completedAt"
>

/** A job's end with its bytes. */
export interface Ended {
  readonly finished: Job.JobFinished
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  readonly artifacts: ReadonlyArray<{
    readonly filename: string
    readonly kind: string
    readonly size: number
    /** A word of `large` where it is long. */
    readonly base64: string
  }>
  /** Some of its bytes are past their retention. */
  readonly expired: boolean
  /** What long texts are written in. */
  readonly large: Large
}

const millis = (micros: number): number => Math.round(micros / 1_000)

const job = (about: About, status: JobStatus) => ({
  job_id: about.job,
  id: about.job,
  status,
  state: status,
  language: about.language,
  network_mode: about.network,
  ...(about.detected ? { detected_language: about.language } : {}),
  execution_mode: "pooled" as const,
  created_at: iso(about.createdAt),
  ...(about.startedAt === null ? {} : { started_at: iso(about.startedAt) }),
  ...(about.completedAt === null ? {} : { completed_at: iso(about.completedAt) })
})

const causes: Readonly<Record<Job.Termination, string>> = {
  completed: "",
  exit: "The program ended with a status other than 0.",
  ttl: "The program ran longer than its ttl and was stopped.",
  oom: "The program needed more memory than it may have and was stopped.",
  cancelled: "The job was cancelled.",
  killed: "The program was ended by a signal.",
  evicted: "The program was stopped: what it was accepted for does not hold any more.",
  "no-capacity": "No container was free in time. Nothing was run.",
  "node-lost": "The containers' host process was lost while the program ran.",
  "control-plane-restart": "The server was restarted while the program ran."
}

const why = (finished: Job.JobFinished): string =>
  finished.reason ?? (causes[finished.cause] || `exit status ${finished.exitCode}`)

/** A cut inside a character is the cap's doing: that character is dropped, not told as damage. */
const whole = (bytes: Uint8Array, truncated: boolean): Uint8Array => {
  if (!truncated) return bytes
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return needed > back ? bytes.subarray(0, bytes.length - back) : bytes
  }
  return bytes
}

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const text = (
  large: Large,
  bytes: Uint8Array,
  truncated: boolean
): { readonly text: string; readonly base64: string | undefined } => {
  const kept = view(whole(bytes, truncated))
  return { text: large.text(kept.toString()), base64: isUtf8(kept) ? undefined : large.base64(kept) }
}

const artifact = ({ base64, filename, kind, size }: Ended["artifacts"][number]) => {
  const type = "base64" as const
  return { filename, content_base64: base64, content: base64, data: base64, type, kind, size }
}

const end = (about: About, ended: Ended) => {
  const { artifacts, expired, finished, large } = ended
  const { usage } = finished
  const stdout = text(large, ended.stdout, finished.stdout.truncated)
  const stderr = text(large, ended.stderr, finished.stderr.truncated)
  const success = finished.status === "completed"
  const files = artifacts.map(artifact)
  const plain = files.find(({ kind }) => kind !== "wasm")
  const wasm = files.find(({ kind }) => kind === "wasm")
  return {
    success,
    stdout: stdout.text,
    stderr: stderr.text,
    output: stdout.text,
    error: success ? "" : stderr.text || why(finished),
    ...(stdout.base64 === undefined ? {} : { stdout_base64: stdout.base64 }),
    ...(stderr.base64 === undefined ? {} : { stderr_base64: stderr.base64 }),
    stdout_truncated: finished.stdout.truncated,
    stderr_truncated: finished.stderr.truncated,
    exit_code: finished.exitCode,
    cause: finished.cause,
    ...(finished.signal === null ? {} : { signal: finished.signal }),
    total_time_ms: millis((about.completedAt ?? about.createdAt) - about.createdAt),
    execution_time_ms: millis(usage.wallMicros),
    execution_time: millis(usage.wallMicros),
    cpu_time_ms: millis(usage.userMicros + usage.systemMicros),
    peak_memory_bytes: usage.peakBytes,
    artifacts: files,
    ...(plain === undefined ? {} : { artifact: plain }),
    ...(wasm === undefined ? {} : { wasm_artifact: wasm }),
    ...(expired ? { output_expired: true } : {})
  }
}

export const result = (about: About, ended: Ended): ExecuteResult => ({
  ...end(about, ended),
  ...job(about, ended.finished.status)
})

/** How a job stands; with its end when it has one and its bytes are at hand. */
export const state = (view: JobView, ended: Ended | undefined): JobState =>
  ended === undefined ? job(view, view.status) : result(view, ended)

export const summary = (view: JobView): JobSummary => ({
  ...job(view, view.status),
  error: view.finished === null || view.finished.status === "completed" ? "" : why(view.finished),
  ...(view.finished === null ? {} : { exit_code: view.finished.exitCode })
})

export const accepted = (about: About, status: JobStatus): Accepted => {
  const { execution_mode: _, started_at: __, completed_at: ___, ...known } = job(about, status)
  return { ...known, message: "Job accepted for execution" }
}
