/** Jobs as supervised actors: accepted durably, worked on in a container of their own, ended for a typed reason. */
import { Deferred, Effect, Exit } from "effect"
import type { JobId, PublicKey } from "../../events/Ids.js"
import type { JobAccepted } from "../../events/Job.js"
import type { Permit, Refused } from "../../src/guards/Guard.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"
import { refuseRejected } from "../../src/guards/TransitionLegal.js"
import type { Children } from "../../src/kernel/Children.js"
import { LogUnavailable } from "../../src/log/EventLog.js"
import type { Slots } from "../key/Slots.js"
import * as Waking from "../Waking.js"
import type { Errand, Jobs, Submission, Ticket } from "./Jobs.js"
import { type Live, Living } from "./Living.js"
import { Recall } from "./Recall.js"
import * as Submitting from "./Submitting.js"
import type * as Work from "./Work.js"
import * as Working from "./Working.js"

interface Options extends Work.Options {
  /** Own the jobs' actors. */
  readonly children: Children
  readonly slots: typeof Slots.Service
  /** Programs and files of the jobs that have not ended may take so much of our memory. */
  readonly pendingBytes: number
}

/** How long one who recalls a job waits for the proof that the container is empty. */
const RECALLED_WITHIN = "20 seconds"
const late = () => new LogUnavailable({ reason: "the container is not gone yet", written: "unknown" })

/** Resolves when its end is durable. In a container: its end lets the run come back with what was written so far. In line: the waiting ends. */
const recall = (live: Live, why: Recall) =>
  Effect.suspend(() => {
    live.recalled ??= why
    return Effect.timeoutFail(Effect.zipRight(live.stop, Deferred.await(live.ended)), {
      duration: RECALLED_WITHIN,
      onTimeout: late
    })
  })

const cancelIn = (living: Living) => (owned: Permit<"D17", Ownership<"job">>) =>
  Effect.suspend((): Effect.Effect<void, Refused | LogUnavailable> => {
    const { actor, resource } = owned.facts
    const live = living.find(resource)
    if (live === undefined) return Effect.void
    // The permit was true when it was issued; the job's owner is true now.
    if (live.owner !== actor) return refuseRejected("job", { command: "Cancel", in: "Another's" })
    return recall(live, Recall.Cancelled({ owned }))
  })

const evictIn = (living: Living) => (owner: PublicKey, reason: string) =>
  Effect.forEach(
    [...living.all()].filter((live) => live.owner === owner),
    (live) => recall(live, Recall.Evicted({ reason })),
    { concurrency: "unbounded", discard: true }
  )

export const make = (options: Options) =>
  Effect.gen(function* () {
    const living = new Living(options.pendingBytes)
    const working = yield* Working.make(options, living)
    const submitting = yield* Submitting.make(living, options.children)

    /** Accepted, and from then on worked on. */
    const taken = (
      live: Live,
      accepted: Omit<JobAccepted, "_tag">,
      trace: string,
      begin: Effect.Effect<unknown>
    ): Effect.Effect<Ticket, Refused | LogUnavailable> =>
      submitting.accept(live, accepted, trace).pipe(
        Effect.tapError((error) =>
          error._tag === "OutcomeUnknown" ? working.disown(live) : working.forget(live, Exit.fail(error))
        ),
        Effect.zipRight(begin),
        Effect.map(() => ({ job: live.job, createdAt: live.createdAt, outcome: Deferred.await(live.outcome) })),
        Effect.catchTags({
          NotAccepted: Waking.unheard,
          OutcomeUnknown: Waking.unheard,
          Rejected: (rejected) => refuseRejected("job", rejected)
        })
      )

    // An accepted job has a worker: the caller may go away, but not between the two.
    const submit = (submission: Submission) =>
      Effect.gen(function* () {
        const planned = yield* submitting.planned(submission)
        const lease = yield* options.slots.lease(submission.owner, "run a job")
        const run = Effect.gen(function* () {
          yield* lease.take(1)
          const live = yield* submitting.admit(submission.owner, Submitting.bytesOf(submission), lease)
          const accepted = Submitting.accepted(live.job, submission)
          return yield* taken(live, accepted, submission.trace, working.begin(live, planned))
        })
        return yield* Effect.onError(run, () => Effect.sync(lease.end))
      }).pipe(Effect.uninterruptible)

    /** In a container that holds a slot already. */
    const run = ({ accepted, bytes, trace, work }: Errand) =>
      Effect.gen(function* () {
        const live = yield* submitting.admit(accepted.owner, bytes)
        return yield* taken(live, { ...accepted, job: live.job }, trace, working.host(live, work))
      }).pipe(Effect.uninterruptible)

    const ended = (job: JobId) =>
      Effect.suspend(() => {
        const live = living.find(job)
        return live === undefined ? Effect.void : Effect.ignore(Deferred.await(live.ended))
      })

    const active = Effect.sync(() => living.size)
    const owners = Effect.sync(() => new Set([...living.all()].map(({ owner }) => owner)))
    return {
      submit,
      run,
      cancel: cancelIn(living),
      evict: evictIn(living),
      owners,
      ended,
      active
    } satisfies typeof Jobs.Service
  })
