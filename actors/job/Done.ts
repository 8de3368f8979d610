/** How a job's work ended, as the log will have it, and the bytes to keep before that is told. */
import type { Digest } from "../../events/Ids.js"
import type { Output, Usage } from "../../events/Job.js"
import type { Plan } from "../../src/languages/Plan.js"
import { digestOf } from "../../src/store/Digest.js"
import type { Ran } from "../../src/substrate/Substrate.js"
import * as Execution from "./Execution.js"
import type { Ending } from "./Job.js"
import type { Recall } from "./Recall.js"

/** Bytes that a result names by digest. */
interface Kept {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

/** How it ended, and the bytes to keep before that is told. */
export interface Done {
  readonly ending: Ending
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  readonly artifacts: ReadonlyArray<{
    readonly filename: string
    readonly content: Uint8Array
    readonly kind: ArtifactKind
  }>
  readonly keep: ReadonlyArray<Kept>
  /** Its container went away under it. */
  readonly gone: boolean
}

/** The files that a plan may build, by name. */
type Built = Pick<Plan, "artifact" | "wasm">

type ArtifactKind = Ending["artifacts"][number]["kind"]

const nothing = new Uint8Array(0)

const empty = digestOf(nothing)

const output = (kept: Uint8Array, bytes: number, truncated: boolean): Output => ({
  digest: kept.length === 0 ? empty : digestOf(kept),
  bytes,
  kept: kept.length,
  truncated
})

const unused: Usage = { wallMicros: 0, userMicros: 0, systemMicros: 0, peakBytes: 0 }

/** A job that ended without having run to its own end. */
export const unrun = (status: Ending["status"], cause: Ending["cause"], reason: string): Done => ({
  ending: {
    status,
    cause,
    // As container engines count: 125, the program was not run; 130, it was asked to stop.
    exitCode: status === "cancelled" ? 130 : 125,
    signal: null,
    reason,
    stdout: output(nothing, 0, false),
    stderr: output(nothing, 0, false),
    artifacts: [],
    usage: unused
  },
  stdout: nothing,
  stderr: nothing,
  artifacts: [],
  keep: [],
  gone: false
})

type Told = Pick<Ending, "status" | "cause" | "exitCode" | "reason">

const told = (recall: Recall): Told =>
  recall._tag === "Cancelled"
    ? { status: "cancelled", cause: "cancelled", exitCode: 130, reason: "cancelled" }
    : { status: "failed", cause: "evicted", exitCode: 137, reason: recall.reason }

/** The end of its container was asked for, and that is how it ended. */
export const asRecalled = (done: Done, recall: Recall | undefined): Done =>
  recall === undefined || !done.gone ? done : { ...done, ending: { ...done.ending, ...told(recall) } }

/** It had no container yet. */
export const unbegun = (recall: Recall): Done =>
  recall._tag === "Cancelled"
    ? unrun("cancelled", "cancelled", "cancelled before it ran")
    : unrun("failed", "evicted", recall.reason)

const usage = (ran: Ran): Usage => ({
  wallMicros: ran.wallMicros,
  userMicros: ran.userMicros,
  systemMicros: ran.systemMicros,
  peakBytes: ran.peakBytes
})

/** A program that ran, whatever became of it. */
export const ran = ({ files, ran }: Execution.Result, ttlMillis: number, plan: Built): Done => {
  const stdout = output(ran.stdout, ran.stdoutBytes, ran.stdoutTruncated)
  const stderr = output(ran.stderr, ran.stderrBytes, ran.stderrTruncated)
  const artifacts = files.map(({ content, path }) => {
    const digest = digestOf(content)
    return { filename: path, content, digest, bytes: content.length, kind: kindOf(path, plan) }
  })
  const outputs = [
    { digest: stdout.digest, bytes: ran.stdout },
    { digest: stderr.digest, bytes: ran.stderr },
    ...artifacts.map(({ content, digest }) => ({ digest, bytes: content }))
  ]
  return {
    ending: {
      ...Execution.verdict(ran, ttlMillis),
      stdout,
      stderr,
      artifacts: artifacts.map(({ content: _, ...named }) => named),
      usage: usage(ran)
    },
    stdout: ran.stdout,
    stderr: ran.stderr,
    artifacts,
    keep: outputs.filter(({ bytes }) => bytes.length > 0),
    gone: ran.how === "gone"
  }
}

const kindOf = (path: string, plan: Built): ArtifactKind => {
  if (path === plan.wasm) return "wasm"
  return path === plan.artifact ? "binary" : "file"
}
