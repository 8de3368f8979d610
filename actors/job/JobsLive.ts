/** Jobs as supervised actors: accepted durably, worked on in a container of their own, ended for a typed reason. */
import { Cause, Deferred, Effect, Exit, FiberMap, Schedule } from "effect"
import type { JobId } from "../../events/Ids.js"
import type { JobAccepted } from "../../events/Job.js"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import { type Permit, type Reason, Refused } from "../../src/guards/Guard.js"
import { Refusals } from "../../src/guards/Refusals.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"
import { refuseRejected } from "../../src/guards/TransitionLegal.js"
import * as Actor from "../../src/kernel/Actor.js"
import type { Children } from "../../src/kernel/Children.js"
import * as Plan from "../../src/languages/Plan.js"
import { Toolchains } from "../../src/languages/Toolchains.js"
import { EventLog, LogUnavailable } from "../../src/log/EventLog.js"
import { Blobs } from "../../src/store/Blobs.js"
import type { Container } from "../../src/substrate/Substrate.js"
import * as Minting from "../Minting.js"
import * as Job from "./Job.js"
import * as JobActor from "./JobActor.js"
import type { Jobs, Outcome, Submission, Ticket } from "./Jobs.js"
import * as Work from "./Work.js"

export interface Options extends Work.Options {
  /** Own the jobs' actors. */
  readonly children: Children
  /** Programs and files of the jobs that have not ended may take so much of our memory. */
  readonly pendingBytes: number
}

/** An accepted job that has not ended. */
interface Live {
  readonly job: JobId
  readonly actor: JobActor.JobActor
  readonly bytes: number
  readonly outcome: Deferred.Deferred<Outcome, Refused | LogUnavailable>
  createdAt: number
  startedAt: number | null
  container: Container | undefined
  cancelled: Permit<"D17", Ownership> | undefined
}

const full = (message: string): Reason => ({ code: "queue_full", message, status: 503, retryAfterSeconds: 2 })

/** The log or the store may be full for a while: an end is told as soon as it can be. */
const untilKept = Schedule.spaced("500 millis")

/** How long a cancellation waits for the proof that the container is empty. */
const CANCEL_WITHIN = "20 seconds"

const accepted = (job: JobId, submission: Submission): Omit<JobAccepted, "_tag"> => {
  const { awaited, detected, files, idempotency, network, order, owner, runnable } = submission
  const { code, ttlMillis, vcpu, wantsArtifacts, wantsWasm } = order.facts
  const source = Buffer.from(code)
  return {
    job,
    owner,
    language: runnable.facts.language,
    detected,
    network: network.facts.mode,
    ttlMillis,
    vcpu,
    code: { digest: Work.digestOf(source), bytes: source.length },
    inputs: files.facts.files.map(({ content, name }) => ({
      name,
      digest: Work.digestOf(content),
      bytes: content.length
    })),
    wantsArtifacts,
    wantsWasm,
    awaited,
    idempotency
  }
}

/** How a worker that did not come back with a result ended, and what whoever waits is told. */
const cut = (
  exit: Cause.Cause<Refused | LogUnavailable | { readonly message: string }>,
  cancelled: boolean
): Work.Done => {
  if (cancelled) return Work.unrun("cancelled", "cancelled", "cancelled before it ran")
  if (Cause.isInterruptedOnly(exit)) return Work.unrun("failed", "control-plane-restart", "the server stopped")
  const error = Cause.squash(exit)
  if (error instanceof Refused) return Work.unrun("failed", "no-capacity", error.message)
  return Work.unrun("failed", "node-lost", error instanceof Error ? error.message : "no container could be had")
}

export const make = (options: Options) =>
  Effect.gen(function* () {
    const blobs = yield* Blobs
    const toolchains = yield* Toolchains
    const refusals = yield* Refusals
    const log = yield* EventLog
    const workers = yield* FiberMap.make<JobId>()
    const scope = yield* Effect.scope
    const living = new Map<string, Live>()
    const clock = yield* Effect.clock
    let pendingBytes = 0

    const refused = (reason: Reason, principal: string) => {
      const refusal = capacityAvailable.refuse(reason)
      return Effect.zipRight(refusals.note(refusal, { principal, action: "run a job" }), refusal)
    }

    const admit = (live: Live) => {
      living.set(live.job, live)
      pendingBytes += live.bytes
    }
    const forget = (live: Live) => {
      if (living.delete(live.job)) pendingBytes -= live.bytes
    }

    const keep = (live: Live, done: Work.Done) => {
      const { ending } = done
      const command =
        live.cancelled !== undefined && ending.status === "cancelled"
          ? Job.Command.Cancel({ owned: live.cancelled, ending })
          : Job.Command.Finish({ ending })
      return Effect.zipRight(
        Effect.forEach(done.keep, ({ bytes, digest }) => blobs.put(bytes, digest), { discard: true }),
        live.actor.commit(command)
      )
    }

    const tell = (
      live: Live,
      { artifacts, stderr, stdout }: Work.Done,
      answer: Effect.Effect.Success<ReturnType<typeof keep>>
    ) => {
      const { rows, state } = answer
      if (state._tag !== "Ended") return Effect.dieMessage(`${live.job} did not end`)
      const { createdAt, startedAt } = live
      const completedAt = rows[rows.length - 1]?.at ?? createdAt
      return Deferred.succeed(live.outcome, {
        finished: state.finished,
        stdout,
        stderr,
        artifacts,
        createdAt,
        startedAt,
        completedAt
      })
    }

    /** Until the end is durable, whoever waits is told that it is not, and no more. */
    const settle = (live: Live, done: Work.Done, restore: Restore) => {
      const once = Effect.flatMap(keep(live, done), (answer) => tell(live, done, answer))
      return once.pipe(
        Effect.catchAll((error) => {
          const unavailable = new LogUnavailable({ reason: `${error._tag} ${error.message}`, written: "unknown" })
          return Effect.zipRight(
            Deferred.fail(live.outcome, unavailable),
            restore(Effect.retry(Effect.delay(once, "500 millis"), untilKept))
          )
        }),
        Effect.ensuring(Effect.sync(() => forget(live)))
      )
    }

    const work = (live: Live, submission: Submission & { readonly plan: Plan.Plan }) =>
      Effect.uninterruptibleMask((restore) =>
        restore(
          Work.perform(options, live.job, submission, ({ at, container, id }) => {
            live.container = container
            live.startedAt = at
            // Its claim is durable and names the job; this goes with the next commit.
            return live.actor.tell(Job.Command.Start({ container: id }))
          })
        ).pipe(
          Effect.exit,
          Effect.flatMap((exit) => {
            if (Exit.isSuccess(exit)) return settle(live, Work.asCancelled(exit.value, live.cancelled), restore)
            const done = cut(exit.cause, live.cancelled !== undefined)
            const error = Cause.failureOption(exit.cause)
            const told =
              error._tag === "Some" && (error.value._tag === "Refused" || error.value._tag === "LogUnavailable")
                ? Deferred.fail(live.outcome, error.value)
                : Effect.void
            return Effect.zipRight(told, settle(live, done, restore))
          })
        )
      )

    const submit = (submission: Submission) =>
      Effect.gen(function* () {
        const { files, order, owner, runnable, trace } = submission
        const toolchain = toolchains.available.get(runnable.facts.language)
        if (toolchain === undefined) return yield* Effect.dieMessage("a runnable language has a toolchain")
        const bytes = files.facts.files.reduce((sum, { content }) => sum + content.length, order.facts.code.length)
        if (pendingBytes + bytes > options.pendingBytes)
          return yield* refused(full("The programs that wait take all the memory for them."), owner)
        const { code, env, wantsWasm: wasm } = order.facts
        const plan = Plan.plan(toolchain, code, { wasm, env })
        const job = Minting.jobId(clock.unsafeCurrentTimeMillis())
        const actor = Actor.on(log, JobActor.definition(job, true))
        const live: Live = {
          job,
          actor,
          bytes,
          outcome: yield* Deferred.make<Outcome, Refused | LogUnavailable>(),
          createdAt: 0,
          startedAt: null,
          container: undefined,
          cancelled: undefined
        }
        if (!(yield* options.children.start(job, actor.run, actor.stop)))
          return yield* refused(full("Too many jobs wait or run."), owner)
        const answer = yield* actor
          .commit(Job.Command.Accept({ accepted: accepted(job, submission) }), { by: owner, trace })
          .pipe(Effect.tapErrorCause(() => actor.stop))
        live.createdAt = answer.rows[0]?.at ?? 0
        admit(live)
        yield* FiberMap.run(workers, job, work(live, { ...submission, plan }))
        return { job, createdAt: live.createdAt, outcome: Deferred.await(live.outcome) } satisfies Ticket
      }).pipe(
        // An accepted job has a worker: the caller may go away, but not between the two.
        Effect.uninterruptible,
        Effect.catchTags({ NotAccepted: unsure, OutcomeUnknown: unsure, Rejected: (e) => refuseRejected("job", e) })
      )

    const cancel = (owned: Permit<"D17", Ownership>) =>
      Effect.gen(function* () {
        const live = living.get(owned.facts.resource)
        if (live === undefined) return
        live.cancelled ??= owned
        // In a container: its end lets the run come back with what was written so far. In line: the waiting ends.
        yield* Effect.forkIn(
          live.container === undefined ? FiberMap.remove(workers, live.job) : Effect.ignore(live.container.destroy),
          scope
        )
        yield* Effect.exit(Deferred.await(live.outcome)).pipe(
          Effect.timeoutFail({
            duration: CANCEL_WITHIN,
            onTimeout: () => new LogUnavailable({ reason: "the container is not gone yet", written: "unknown" })
          })
        )
      })

    const ended = (job: JobId) =>
      Effect.suspend(() => {
        const live = living.get(job)
        return live === undefined ? Effect.void : Effect.asVoid(Effect.exit(Deferred.await(live.outcome)))
      })

    return { submit, cancel, ended, active: Effect.sync(() => living.size) } satisfies typeof Jobs.Service
  })

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const unsure = (error: { readonly _tag: string }) => new LogUnavailable({ reason: error._tag, written: "unknown" })
