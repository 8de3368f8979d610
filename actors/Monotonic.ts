/** Milliseconds on a clock that only goes forward: for how long something took, never for when it was. */
import { Clock, Effect } from "effect"

export const millis: Effect.Effect<number> = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos) / 1e6)
