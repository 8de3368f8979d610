/** Decisions made on a request: a permit passes, a refusal is told to the log and stands. */
import { Effect, Either } from "effect"
import { enforce, type Refused } from "../guards/Guard.js"
import { Refusals } from "../guards/Refusals.js"

const longestTarget = 200

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
        : Effect.provideService(
            enforce(decision, { principal, action: `${method} ${target.slice(0, longestTarget)}` }),
            Refusals,
            refusals
          )
)

export type Refusing = Effect.Effect.Success<typeof make>
