/** The server's own clock, watched for jumps: sampled whenever somebody asks, and in between. */
import { Effect, type Scope } from "effect"
import * as TrustedClock from "../src/guards/TrustedClock.js"

const everyMillis = 5_000

/** Asking takes a sample; the last one is now. */
export const make: Effect.Effect<() => TrustedClock.TrustedClock, never, Scope.Scope> = Effect.gen(function* () {
  const clock = yield* Effect.clock
  const sample = (): TrustedClock.Sample => ({
    wall: clock.unsafeCurrentTimeMillis(),
    monotonic: Number(clock.unsafeCurrentTimeNanos()) / 1e6
  })
  let state = TrustedClock.start(sample())
  const observe = () => {
    state = TrustedClock.observe(state, sample())
    return state
  }
  // A jump while nobody asks must be seen when it happens: doubt ends a while after it, not after the next request.
  yield* Effect.acquireRelease(
    Effect.sync(() => setInterval(observe, everyMillis).unref()),
    (timer) => Effect.sync(() => clearInterval(timer))
  )
  return observe
})
