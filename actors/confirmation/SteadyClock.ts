/** Now, and whether to believe it: the wall clock, watched against the monotonic one also while nobody asks. */
import { Effect, type Scope } from "effect"
import * as TrustedClock from "../../src/guards/TrustedClock.js"

export interface Moment {
  /** Microseconds since 1970. */
  readonly now: number
  readonly steady: boolean
}

const EVERY_MILLIS = 5_000

export const make: Effect.Effect<() => Moment, never, Scope.Scope> = Effect.gen(function* () {
  const clock = yield* Effect.clock
  const sample = (): TrustedClock.Sample => ({
    wall: clock.unsafeCurrentTimeMillis(),
    monotonic: Number(clock.unsafeCurrentTimeNanos()) / 1e6
  })
  let state = TrustedClock.start(sample())
  const observe = () => {
    state = TrustedClock.observe(state, sample())
    return { now: Math.floor(state.last.wall * 1000), steady: state.parted === undefined }
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => setInterval(observe, EVERY_MILLIS).unref()),
    (timer) => Effect.sync(() => clearInterval(timer))
  )
  return observe
})
