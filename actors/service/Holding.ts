/** A service that is stopped where it is, whoever wants it to run: its programs first, and the log as soon as it can take it. */
import { Effect, Schedule } from "effect"
import type { Live } from "./Live.js"
import type { Roster } from "./Roster.js"
import { Command } from "./Service.js"
import type { Services } from "./Services.js"
import type { Stillness } from "./Stillness.js"

/** The log may be full for a while: what filled it stands still meanwhile. */
const untilTold = Schedule.spaced("500 millis")

const runs = ({ housed, state }: Live): boolean => housed !== undefined && state?._tag === "Running"

export const make = (roster: Roster, stillness: Stillness): Pick<typeof Services.Service, "running" | "hold"> => ({
  running: Effect.sync(() => [...roster.all()].filter(runs).map(({ service }) => service)),
  hold: (service, hold) => {
    const told = Effect.retry(roster.ask(service, Command.Hold({ hold })), {
      schedule: untilTold,
      while: ({ _tag }) => _tag === "LogUnavailable"
    })
    return Effect.scoped(Effect.zipRight(stillness.hold(service), Effect.asVoid(told)))
  }
})
