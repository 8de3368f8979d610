/** What a session waits for beside its programs: its time to end, the time that it has been frozen or deserted for. */
import { Clock, Effect } from "effect"
import * as Monotonic from "../Monotonic.js"
import { type Live, over } from "./Living.js"
import * as Session from "./Session.js"
import type { Terminal } from "./Terminal.js"

export interface Waits {
  /** A shell without a multiplexer ends when nobody has been connected for so long; what a multiplexer shows is no longer painted. */
  readonly graceMillis: number
  /** What has been frozen for so long gives its container up. */
  readonly deepFreezeMillis: number
}

/** Node's timers take no more. */
const LONGEST = 2_000_000_000

const never = Number.POSITIVE_INFINITY

const remaining = ({ frozenSince, state }: Live, { deepFreezeMillis }: Waits) =>
  Effect.zipWith(Clock.currentTimeMillis, Monotonic.millis, (wall, now) => {
    const expiresAt = Session.traitsOf(state)?.expiresAt ?? null
    return {
      toEnd: expiresAt === null ? never : expiresAt / 1_000 - wall,
      toDeepFreeze: state._tag === "Frozen" ? frozenSince + deepFreezeMillis - now : never
    }
  })

/** Resolves when its time is over, or when it is to be frozen more deeply. */
export const due = (live: Live, waits: Waits): Effect.Effect<"expired" | "deep-freeze"> =>
  Effect.flatMap(remaining(live, waits), ({ toDeepFreeze, toEnd }) => {
    if (toEnd <= 0) return Effect.succeed("expired" as const)
    if (toDeepFreeze <= 0) return Effect.succeed("deep-freeze" as const)
    const soonest = Math.min(toEnd, toDeepFreeze)
    const moved =
      soonest === never ? live.changed.wait : Effect.timeoutOption(live.changed.wait, Math.min(soonest, LONGEST))
    return Effect.zipRight(
      moved,
      Effect.suspend(() => due(live, waits))
    )
  })

export const expired = over("ttl", "its ttl is over")

/**
 * Resolves when nobody has been connected for the grace. Before the first has come it does not count, unless `fromStart`;
 * nor does it while the session is frozen, when nobody can be.
 */
export const deserted = (live: Live, { graceMillis }: Waits, fromStart: boolean): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { state, terminal } = live
    const counts = terminal.connected === 0 && (fromStart || terminal.visited) && state._tag !== "Frozen"
    if (!counts) return Effect.as(terminal.presence.wait, false)
    return Effect.map(Effect.timeoutOption(terminal.presence.wait, graceMillis), ({ _tag }) => _tag === "None")
  }).pipe(Effect.repeat({ until: (over) => over }), Effect.asVoid)

/** Resolves when it is not frozen; a frozen container starts nothing. Whoever thaws it rings. */
export const thawed = (live: Live): Effect.Effect<void> =>
  Effect.repeat(
    Effect.suspend(() => (live.state._tag === "Frozen" ? live.terminal.presence.wait : Effect.void)),
    { until: () => live.state._tag !== "Frozen" }
  )

/** Resolves when somebody is connected. */
export const visited = (terminal: Terminal): Effect.Effect<void> =>
  Effect.repeat(
    Effect.suspend(() => (terminal.connected > 0 ? Effect.void : terminal.presence.wait)),
    { until: () => terminal.connected > 0 }
  )
