/** How long something took, and what is usual among many. */
import { Effect } from "effect"

/** Milliseconds, and what it gave. */
export const timed = <A, E, R>(run: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const begun = performance.now()
    const value = yield* run
    return [performance.now() - begun, value] as const
  })

/** Milliseconds alone. */
export const millis = <A, E, R>(run: Effect.Effect<A, E, R>) => Effect.map(timed(run), ([took]) => took)

export const quantile = (values: ReadonlyArray<number>, of: number): number =>
  [...values].sort((left, right) => left - right)[Math.min(values.length - 1, Math.floor(values.length * of))] ?? 0

export const median = (values: ReadonlyArray<number>): number => quantile(values, 0.5)
