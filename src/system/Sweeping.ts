/** What is done again and again, and may fail: the next time is another try, and nobody is restarted for it. */
import { type Duration, Effect, Schedule } from "effect"

/** Never ends; to be supervised. `failed` is what a failure, or a fault of ours, is told as. */
export const every = <E, R>(
  pause: Duration.DurationInput,
  failed: string,
  sweep: Effect.Effect<unknown, E, R>
): Effect.Effect<void, never, R> =>
  sweep.pipe(
    Effect.catchAllCause((cause) => Effect.logWarning(failed, cause)),
    Effect.repeat(Schedule.spaced(pause)),
    Effect.asVoid
  )
