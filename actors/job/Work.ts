/** What an accepted job does: waits for a container of its own, runs there, and says how that ended. */
import { createHash } from "node:crypto"
import { Effect, Schedule } from "effect"
import type { Limits } from "../../events/Container.js"
import { Digest, type JobId } from "../../events/Ids.js"
import type { Output, Usage } from "../../events/Job.js"
import type { Permit } from "../../src/guards/Guard.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"
import type { Plan } from "../../src/languages/Plan.js"
import type { Ran } from "../../src/substrate/Substrate.js"
import type { Claimed, Pools } from "../pool/Pools.js"
import * as Execution from "./Execution.js"
import type { Ending } from "./Job.js"
import type { Submission } from "./Jobs.js"

/** Bytes that a result names by digest. */
export interface Kept {
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

type ArtifactKind = Ending["artifacts"][number]["kind"]

const nothing = new Uint8Array(0)

export const digestOf = (bytes: Uint8Array): Digest =>
  Digest.make(`sha256:${createHash("sha256").update(bytes).digest("hex")}`)

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

/** The end of its container was asked for, and that is how it ended. */
export const asCancelled = (done: Done, cancelled: Permit<"D17", Ownership> | undefined): Done => {
  if (cancelled === undefined || !done.gone) return done
  const { ending } = done
  return { ...done, ending: { ...ending, status: "cancelled", cause: "cancelled", exitCode: 130, reason: "cancelled" } }
}

const usage = (ran: Ran): Usage => ({
  wallMicros: ran.wallMicros,
  userMicros: ran.userMicros,
  systemMicros: ran.systemMicros,
  peakBytes: ran.peakBytes
})

/** A program that ran, whatever became of it. */
export const ran = ({ files, ran }: Execution.Result, ttlMillis: number, plan: Plan): Done => {
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

const kindOf = (path: string, plan: Plan): ArtifactKind => {
  if (path === plan.wasm) return "wasm"
  return path === plan.artifact ? "binary" : "file"
}

export interface Options {
  readonly pools: typeof Pools.Service
  readonly limits: (vcpu: number) => Limits
  readonly outputCap: number
}

/** A container may be lost between shelf and claimer; nothing ran in it, so the next one may do. */
const again = Schedule.recurs(3)

/**
 * Fails only for want of a container; interrupting it gives the container up. `started` is run when the job has a
 * container of its own, before anything runs in it.
 */
export const perform = (
  options: Options,
  job: JobId,
  submission: Submission & { readonly plan: Plan },
  started: (claimed: Claimed) => Effect.Effect<unknown>
) => {
  const { files, network, order, owner, plan } = submission
  const { stdin, ttlMillis, vcpu, wantsArtifacts, wantsWasm } = order.facts
  const task: Execution.Task = {
    plan,
    stdin,
    inputs: files.facts.files,
    ttlMillis,
    outputCap: options.outputCap,
    wantsArtifacts: wantsArtifacts || wantsWasm
  }
  const claim = { job, owner, limits: options.limits(vcpu) }
  const run = (claimed: Claimed) =>
    Effect.matchEffect(Effect.zipRight(started(claimed), Execution.execute(claimed, task)), {
      onSuccess: (result) => Effect.succeed(ran(result, ttlMillis, plan)),
      onFailure: (error) => Effect.succeed(unrun("failed", "node-lost", error.message))
    })
  return Effect.retry(options.pools.use(network.facts.mode, claim, run), {
    schedule: again,
    while: (error) => error._tag === "ContainerLost"
  })
}
