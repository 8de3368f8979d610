/** How a job's end becomes durable: what it names is kept, it is recorded, and whoever waits is told. */
import { Cause, Deferred, Effect, Exit, Schedule } from "effect"
import { Refused } from "../../src/guards/Guard.js"
import type { Committed } from "../../src/kernel/Actor.js"
import { type EventLog, LogUnavailable } from "../../src/log/EventLog.js"
import type { Blobs } from "../../src/store/Blobs.js"
import type { ContainerLost } from "../pool/Pools.js"
import * as Waking from "../Waking.js"
import { why } from "../Why.js"
import * as Done from "./Done.js"
import * as Job from "./Job.js"
import * as JobActor from "./JobActor.js"
import type { Live } from "./Living.js"
import type { Recall } from "./Recall.js"

/** Why there was no container to work in. */
export type Failure = Refused | LogUnavailable | ContainerLost

interface End {
  readonly done: Done.Done
  /** What whoever waits is told instead. */
  readonly refused?: Refused | LogUnavailable
}

/** The log or the store may be full for a while: an end is told as soon as it can be. */
const untilKept = Schedule.spaced("500 millis")

/** How a worker that did not come back with a result ended. */
const cut = (cause: Cause.Cause<Failure>, recalled: Recall | undefined): End => {
  if (recalled !== undefined) return { done: Done.unbegun(recalled) }
  if (Cause.isInterruptedOnly(cause))
    return { done: Done.unrun("failed", "control-plane-restart", "the server stopped") }
  const failure = Cause.failureOption(cause)
  if (failure._tag === "None") return { done: Done.unrun("failed", "node-lost", "no container could be had") }
  const error = failure.value
  const done = Done.unrun("failed", error instanceof Refused ? "no-capacity" : "node-lost", why(error))
  return error._tag === "ContainerLost" ? { done } : { done, refused: error }
}

const endOf = (exit: Exit.Exit<Done.Done, Failure>, { recalled }: Live): End =>
  Exit.isSuccess(exit) ? { done: Done.asRecalled(exit.value, recalled) } : cut(exit.cause, recalled)

const commandOf = ({ recalled }: Live, { ending }: Done.Done): Job.Command =>
  recalled?._tag === "Cancelled" && ending.status === "cancelled"
    ? Job.Command.Cancel({ owned: recalled.owned, ending })
    : Job.Command.Finish({ ending })

const tell = (live: Live, { done, refused }: End, { rows, state }: Committed<Job.State>) => {
  if (refused !== undefined) return Deferred.fail(live.outcome, refused)
  if (state._tag !== "Ended") return Effect.dieMessage(`${live.job} did not end`)
  const { artifacts, stderr, stdout } = done
  const { createdAt, startedAt } = live
  const completedAt = rows[rows.length - 1]?.at ?? createdAt
  const { finished } = state
  return Deferred.succeed(live.outcome, { finished, stdout, stderr, artifacts, createdAt, startedAt, completedAt })
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * Succeeds once the end is durable; whoever waits is told before that only that it is not yet. Fails when the job was
 * never accepted. It tries for as long as it is not interrupted; then the next start settles the job.
 */
export const make = (log: typeof EventLog.Service, blobs: typeof Blobs.Service) => {
  const keep = ({ keep }: Done.Done) =>
    Effect.forEach(keep, ({ bytes, digest }) => blobs.put(bytes, digest), { discard: true })

  return (live: Live, exit: Exit.Exit<Done.Done, Failure>, restore: Restore) => {
    const end = endOf(exit, live)
    const command = commandOf(live, end.done)
    const later = Effect.zipRight(keep(end.done), Waking.wake(log, JobActor.definition(live.job, false), command))
    return Effect.zipRight(keep(end.done), live.actor.commit(command)).pipe(
      Effect.catchIf(
        (error) => error._tag !== "Rejected",
        (error) => {
          const unavailable = new LogUnavailable({ reason: `${error._tag}: ${why(error)}`, written: "unknown" })
          return Deferred.fail(live.outcome, unavailable).pipe(
            // It may have ended, crashed too often, or just be full: from here on the stream speaks for itself.
            Effect.zipRight(live.actor.stop),
            Effect.zipRight(
              restore(Effect.retry(later, { schedule: untilKept, while: ({ _tag }) => _tag !== "Rejected" }))
            )
          )
        }
      ),
      Effect.flatMap((answer) => tell(live, end, answer))
    )
  }
}
