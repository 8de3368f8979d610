/** The wall clock in microseconds. */
import type { Clock } from "effect"

/**
 * The fine clock does not follow a step of the wall clock or a suspended machine, the wall clock knows only
 * milliseconds: the fine one is used, and set again whenever the two have drifted apart.
 */
export const micros = (clock: Clock.Clock): (() => number) => {
  let offset = Number.NaN
  return () => {
    const wall = clock.unsafeCurrentTimeMillis() * 1_000
    const fine = Number(clock.unsafeCurrentTimeNanos() / 1_000n)
    if (!(Math.abs(wall - fine - offset) <= 2_000)) offset = wall - fine
    return fine + offset
  }
}
