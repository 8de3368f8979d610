/** The workers: one for each job that runs here, from its acceptance until its end is durable. */
import { Effect, type Exit, FiberMap } from "effect"
import type { JobId } from "../../events/Ids.js"
import { EventLog } from "../../src/log/EventLog.js"
import { Blobs } from "../../src/store/Blobs.js"
import type { Claimed } from "../pool/Pools.js"
import * as Done from "./Done.js"
import * as Job from "./Job.js"
import type { Errand } from "./Jobs.js"
import type { Live, Living } from "./Living.js"
import * as Settling from "./Settling.js"
import type { Planned } from "./Submitting.js"
import * as Work from "./Work.js"

/** Its caller was told to come again, and may do so with the same Idempotency-Key. */
const unheard = Done.unrun("failed", "no-capacity", "it was not known in time whether it had been accepted")

interface Working {
  /** Resolves once it has begun; it goes on whoever waits. */
  readonly begin: (live: Live, planned: Planned) => Effect.Effect<unknown>
  /** As `begin`, for work that somebody else does. */
  readonly host: (live: Live, work: Errand["work"]) => Effect.Effect<unknown>
  /** Accepted or not: if it was, nobody knows of it, and it ends before it begins. */
  readonly disown: (live: Live) => Effect.Effect<unknown>
  /** It never was a job. */
  readonly forget: (live: Live, exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>
}

export const make = (options: Work.Options, living: Living) =>
  Effect.gen(function* () {
    const workers = yield* FiberMap.make<JobId>()
    const settle = Settling.make(yield* EventLog, yield* Blobs)

    const forget = (live: Live, exit: Exit.Exit<unknown, unknown>) =>
      Effect.map(live.actor.stop, () => living.forget(live, exit))

    /** However the work ends, so does the job. */
    const run = (live: Live, work: Effect.Effect<Done.Done, Settling.Failure>) => {
      live.stop = FiberMap.remove(workers, live.job)
      const whole = Effect.uninterruptibleMask((restore) =>
        Effect.exit(restore(work)).pipe(
          Effect.flatMap((exit) => {
            // From here on it ends by itself: a cancellation must not cut off the recording of the end.
            live.stop = Effect.void
            // Before anybody hears of the end: who then sends the next one finds the slot free.
            live.lease?.end()
            return settle(live, exit, restore)
          }),
          Effect.onExit((exit) => forget(live, exit))
        )
      )
      return FiberMap.run(workers, live.job, whole)
    }

    const started = (live: Live) => (claimed: Claimed) => {
      live.stop = claimed.cancel
      live.startedAt = claimed.at
      // Its claim is durable and names the job; this goes with the next commit.
      return live.actor.tell(Job.Command.Start({ container: claimed.id }))
    }

    /** It may be recalled as soon as it is accepted. */
    const unlessRecalled = <A, E>(live: Live, work: () => Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.suspend(() => (live.recalled === undefined ? work() : Effect.interrupt))

    const work = (live: Live, planned: Planned) =>
      unlessRecalled(live, () => Work.perform(options, live.job, planned, started(live)))

    return {
      begin: (live, planned) => run(live, work(live, planned)),
      host: (live, work) =>
        run(
          live,
          unlessRecalled(live, () =>
            work((container, stop) =>
              Effect.clockWith((clock) => {
                live.stop = stop
                live.startedAt = Math.trunc(clock.unsafeCurrentTimeMillis() * 1_000)
                return live.actor.tell(Job.Command.Start({ container }))
              })
            )
          )
        ),
      disown: (live) => run(live, Effect.succeed(unheard)),
      forget
    } satisfies Working
  })
