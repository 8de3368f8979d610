/** A session that is stopped where it is, whoever wants it to run: its programs first, and the log as soon as it can take it. */
import { Effect, Schedule } from "effect"
import type { Hold } from "../../events/Hold.js"
import * as Monotonic from "../Monotonic.js"
import { why } from "../Why.js"
import type { Live, Living } from "./Living.js"
import * as Session from "./Session.js"
import { Parting, SessionLost, type Sessions } from "./Sessions.js"
import * as Telling from "./Telling.js"

/** The log may be full for a while: what filled it stands still meanwhile. */
const untilTold = Schedule.spaced("500 millis")

const runs = ({ claimed, state }: Live): boolean => claimed !== undefined && state._tag === "Running"

const still = ({ claimed }: Live) =>
  Effect.mapError(claimed?.container.freeze ?? Effect.void, (error) => new SessionLost({ reason: why(error) }))

/** An order before it may have set it going again. */
const told = (live: Live, hold: Hold) =>
  live.hand.withPermits(1)(
    Effect.gen(function* () {
      if (!runs(live)) return
      yield* still(live)
      yield* Telling.tell(live, Session.Command.Hold({ hold }))
      live.frozenSince = yield* Monotonic.millis
      live.terminal.dismiss(Parting.Detached({ why: "frozen" }))
      live.changed.ring()
    }).pipe(Effect.uninterruptible)
  )

export const make = (living: Living): Pick<typeof Sessions.Service, "running" | "hold"> => ({
  running: Effect.sync(() => [...living.all()].filter(runs).map(({ session }) => session)),
  hold: (session, hold) =>
    Effect.suspend(() => {
      const live = living.find(session)
      if (live === undefined || !runs(live)) return Effect.void
      const schedule = {
        schedule: untilTold,
        while: ({ _tag }: { readonly _tag: string }) => _tag === "LogUnavailable"
      }
      // One that was being frozen or thawed at this moment is told again in its turn.
      return Effect.zipRight(Effect.ignore(still(live)), Effect.retry(told(live, hold), schedule))
    })
})
