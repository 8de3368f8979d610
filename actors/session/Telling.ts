/** What a session's actor is told, and its answer in the words of those who asked. */
import { Effect, Schedule } from "effect"
import type { Refused } from "../../src/guards/Guard.js"
import { refuseRejected } from "../../src/guards/TransitionLegal.js"
import type { Committed, Meta } from "../../src/kernel/Actor.js"
import { type EventLog, LogUnavailable } from "../../src/log/EventLog.js"
import * as Waking from "../Waking.js"
import type { Live } from "./Living.js"
import type * as Session from "./Session.js"
import * as SessionActor from "./SessionActor.js"
import * as Tenure from "./Tenure.js"

/** The log may be full for a while: an end is told as soon as it can be. */
const untilTold = Schedule.spaced("500 millis")

const known = (live: Live) => (committed: Committed<Session.State>) => {
  live.state = committed.state
  live.lease.hold(Tenure.slotsOf(committed.state))
  return committed
}

const answers = {
  NotAccepted: Waking.unheard,
  OutcomeUnknown: Waking.unheard,
  Rejected: (rejected: Session.Rejected) => refuseRejected("session", rejected)
}

/** Resolves once it is durable. */
export const tell = (
  live: Live,
  command: Session.Command,
  meta?: Meta
): Effect.Effect<Committed<Session.State>, Refused | LogUnavailable> =>
  live.actor.commit(command, meta).pipe(Effect.map(known(live)), Effect.catchTags(answers))

/** As `tell`; where the actor gives no answer, its stream is asked, once. */
export const surely = (log: typeof EventLog.Service, live: Live, command: Session.Command, meta: Meta) =>
  live.actor.commit(command, meta).pipe(
    Effect.catchTags({
      NotAccepted: () => Waking.wake(log, SessionActor.definition(live.session, false), command, meta),
      OutcomeUnknown: () => Waking.wake(log, SessionActor.definition(live.session, false), command, meta)
    }),
    Effect.map(known(live)),
    Effect.catchTags(answers)
  )

/**
 * As `tell`, for what has happened whatever the log can take just now: it tries for as long as it is not interrupted. The
 * next start settles the rest.
 */
export const insist = (log: typeof EventLog.Service, live: Live, command: Session.Command) => {
  const wake = Waking.wake(log, SessionActor.definition(live.session, false), command)
  const later = Effect.retry(wake, { schedule: untilTold, while: ({ _tag }) => _tag !== "Rejected" })
  return live.actor.commit(command).pipe(
    Effect.catchIf(
      ({ _tag }) => _tag !== "Rejected",
      // It may have ended, crashed too often, or just be full: from here on the stream speaks for itself.
      () => Effect.zipRight(live.actor.stop, Effect.interruptible(later))
    ),
    Effect.map(known(live))
  )
}

export const late = (what: string) => () => new LogUnavailable({ reason: `${what} took too long`, written: "unknown" })
