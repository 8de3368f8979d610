/** A command in a running service's container, beside whatever runs there: a job as any other, but for where it runs. */
import { Effect, Fiber, type Scope, Stream } from "effect"
import type { JobAccepted } from "../../events/Job.js"
import { secretsReleasable } from "../../src/guards/SecretsReleasable.js"
import { transitionLegal } from "../../src/guards/TransitionLegal.js"
import { inputDirectory } from "../../src/languages/Plan.js"
import { digestOf } from "../../src/store/Digest.js"
import type { Command, Container, Exited, Process, Ran, SubstrateError } from "../../src/substrate/Substrate.js"
import * as Done from "../job/Done.js"
import type { Jobs } from "../job/Jobs.js"
import { why } from "../Why.js"
import { commandOf } from "./Housing.js"
import type { Housed, Live } from "./Live.js"
import type { Roster } from "./Roster.js"
import type { About, State } from "./Service.js"
import type { Errand, Owned } from "./Services.js"
import type * as Vault from "./Vault.js"

export interface Options {
  readonly jobs: typeof Jobs.Service
  /** Bytes kept of each stream. */
  readonly outputCap: number
}

const SIGKILL = 9
/** From its killing to its end, and from its end to the end of its output. */
const ENDS_WITHIN = "5 seconds"
/** It is told that it runs before it is at home in its container; a picture of its root may hold it still meanwhile. */
const HOME_WITHIN = "20 seconds"
const built = { artifact: undefined, wasm: undefined }

const advice = (state: State["_tag"]): string => {
  switch (state) {
    case "Frozen":
    case "DeepFrozen":
      return "Unfreeze it first (POST /services/{id}/unfreeze)."
    case "Failed":
      return "It has failed. Redeploy it (POST /services/{id}/redeploy)."
    case "Starting":
    case "Running":
    case "Redeploying":
    case "Stopped":
      return "It will be. Try again shortly."
    case "Absent":
    case "Destroyed":
    case "Erased":
      return "It is no more."
  }
}

const notRunning = (service: string, state: State["_tag"]) =>
  transitionLegal.refuse({
    code: "service_not_running",
    message: `Service is not running. ${advice(state)}`,
    status: 409,
    details: { service, state }
  })

const acceptedOf = (about: About, { files, order }: Errand): Omit<JobAccepted, "_tag" | "job"> => {
  const source = Buffer.from(order.facts.command)
  return {
    ...{ owner: about.owner, language: "shell", detected: false, network: about.network, vcpu: about.vcpu },
    ttlMillis: order.facts.timeoutMillis,
    code: { digest: digestOf(source), bytes: source.length },
    inputs: files.facts.files.map(({ content, name }) => ({ name, digest: digestOf(content), bytes: content.length })),
    ...{ wantsArtifacts: false, wantsWasm: false, awaited: true, idempotency: null }
  }
}

interface Output {
  readonly stdout: Array<Uint8Array>
  readonly stderr: Array<Uint8Array>
}

const reading = (process: Process, { stderr, stdout }: Output) =>
  Stream.runForEach(process.output, ({ bytes, stream }) =>
    Effect.sync(() => void (stream === "stdout" ? stdout : stderr).push(bytes))
  )

/** The container lives on, so it is we who end what takes too long. */
const endOf = ({ exited, signal }: Process, timeoutMillis: number): Effect.Effect<Exited, SubstrateError> =>
  Effect.timeoutTo(exited, { duration: timeoutMillis, onTimeout: () => undefined, onSuccess: (exit) => exit }).pipe(
    Effect.flatMap((exit) => {
      if (exit !== undefined) return Effect.succeed(exit)
      const killed = Effect.zipRight(signal(SIGKILL), Effect.timeoutOption(exited, ENDS_WITHIN))
      return Effect.map(
        killed,
        (late): Exited => ({ ...unended, ...(late._tag === "Some" ? late.value : {}), how: "timed-out" })
      )
    })
  )

const unended: Exited = {
  ...{ how: "timed-out", code: SIGKILL, userMicros: 0, systemMicros: 0, peakBytes: 0, wallMicros: 0 },
  ...{ stdoutBytes: 0, stderrBytes: 0, stdoutTruncated: false, stderrTruncated: false, oom: false }
}

/** Runs it beside the caller and collects what it writes. */
const collected = (
  container: Container,
  command: Command,
  timeoutMillis: number,
  begun: (stop: Effect.Effect<void>) => Effect.Effect<unknown>
): Effect.Effect<Ran, SubstrateError, Scope.Scope> =>
  Effect.gen(function* () {
    const process = yield* container.start(command, { stdin: false })
    yield* begun(Effect.ignore(process.signal(SIGKILL)))
    const output: Output = { stdout: [], stderr: [] }
    const read = yield* Effect.fork(reading(process, output))
    const exit = yield* endOf(process, timeoutMillis)
    yield* Effect.timeoutOption(Fiber.await(read), ENDS_WITHIN)
    return { ...exit, stdout: Buffer.concat(output.stdout), stderr: Buffer.concat(output.stderr) }
  })

/** Killed because somebody cancelled it: then that is how it ended. */
const stoppable = (done: Done.Done, { code, how }: Exited): Done.Done => ({
  ...done,
  gone: how === "gone" || (how === "signalled" && code === SIGKILL)
})

/** Where it runs, as soon as it does; undefined when it is not to run. */
const homeOf = (live: Live) =>
  live
    .until(() => {
      const { housed, retired, state } = live
      if (retired || state?._tag !== "Running") return "nowhere"
      return housed === undefined || housed.frozen ? undefined : { housed, about: state.about }
    })
    .pipe(
      Effect.timeoutTo({ duration: HOME_WITHIN, onTimeout: () => undefined, onSuccess: (found) => found }),
      Effect.map((found) => (found === "nowhere" ? undefined : found))
    )

export const make = ({ jobs, outputCap }: Options, roster: Roster, vault: Vault.Vault) => {
  const work = (about: About, { claimed }: Housed, { files, order }: Errand, released: Vault.Released) => {
    const { command: line, timeoutMillis } = order.facts
    const inputs = files.facts.files.map(({ content, name }) => ({
      path: `${inputDirectory}/${name}`,
      mode: 0o644,
      content
    }))
    const command: Command = {
      ...commandOf(["/bin/bash", "-c", line], about, released),
      files: [...released.files, ...inputs],
      outputCap
    }
    return (begun: (container: typeof claimed.id, stop: Effect.Effect<void>) => Effect.Effect<unknown>) =>
      collected(claimed.container, command, timeoutMillis, (stop) => begun(claimed.id, stop)).pipe(
        Effect.scoped,
        Effect.map((ran) => stoppable(Done.ran({ ran, files: [] }, timeoutMillis, built), ran)),
        Effect.catchAll((error) => Effect.succeed({ ...Done.unrun("failed", "node-lost", why(error)), gone: true }))
      )
  }

  return ({ facts }: Owned, errand: Errand) =>
    Effect.gen(function* () {
      const live = roster.find(facts.resource)
      const home = live === undefined ? undefined : yield* homeOf(live)
      if (home === undefined) return yield* notRunning(facts.resource, live?.state?._tag ?? "Starting")
      const { about, housed } = home
      const released = yield* Effect.catchTag(
        vault.release(about, housed.claim, housed.claimed),
        "StoreUnavailable",
        ({ _tag }) => secretsReleasable.doubt(`facts: ${_tag}`)
      )
      const accepted = acceptedOf(about, errand)
      const bytes = errand.files.facts.files.reduce((sum, { content }) => sum + content.length, accepted.code.bytes)
      return yield* jobs.run({
        accepted,
        bytes,
        trace: errand.trace,
        work: work(about, housed, errand, released)
      })
    })
}
