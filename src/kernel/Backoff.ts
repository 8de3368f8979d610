/** How long a restart waits: twice as long after each one, up to a bound. */
import { Duration } from "effect"

export interface Backoff {
  readonly first: Duration.DurationInput
  readonly max: Duration.DurationInput
}

/** `recent`: restarts within the period, the one that waits included. */
export const pause = ({ first, max }: Backoff, recent: number): number =>
  Math.min(Duration.toMillis(first) * 2 ** Math.max(0, recent - 1), Duration.toMillis(max))
