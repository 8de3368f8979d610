/** Decisions made on a request: a permit passes, a refusal is told to the log and stands. */
import { Effect, Either } from "effect"
import { type Asked, enforce, type Refused } from "../guards/Guard.js"
import { Refusals } from "../guards/Refusals.js"

const longestTarget = 200

/** Who asked for what, in the words of the log. */
export const askedOf = (principal: string, method: string, target: string): Asked => ({
  principal,
  action: `${method} ${target.slice(0, longestTarget)}`
})

export const make = Effect.map(
  Refusals,
  (refusals) =>
    <A>(
      decision: Either.Either<A, Refused>,
      principal: string,
      method: string,
      target: string
    ): Effect.Effect<A, Refused> =>
      Either.isRight(decision)
        ? Effect.succeed(decision.right)
        : Effect.provideService(enforce(decision, askedOf(principal, method, target)), Refusals, refusals)
)
