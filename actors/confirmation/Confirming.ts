/** D21 over its port: what was found out first, in its own time, and then judged. */
import { Duration, Effect } from "effect"
import type { Asked, Permit, Refused } from "../../src/guards/Guard.js"
import { type Confirmed, humanConfirmed } from "../../src/guards/HumanConfirmed.js"
import type { Refusals } from "../../src/guards/Refusals.js"
import { type Action, type Answer, type Confirmations, Unweighed } from "./Confirmations.js"

export interface Question {
  readonly action: Action
  /** The key's mode and the route say so. */
  readonly required: boolean
  readonly answer: Answer | undefined
}

/** Above the deadline of every way of delivery, and below that of clients. */
const LONGEST = Duration.seconds(15)

/** Succeeds with the permit once it is certain that a person confirmed this, or that none had to. */
export const confirm = (
  confirmations: typeof Confirmations.Service,
  { action, answer, required }: Question,
  asked: Asked
): Effect.Effect<Permit<"D21", Confirmed>, Refused, Refusals> =>
  confirmations.weigh(action, required, answer).pipe(
    Effect.disconnect,
    Effect.timeoutFail({ duration: LONGEST, onTimeout: () => new Unweighed({ reason: "nobody answered in time" }) }),
    Effect.exit,
    Effect.flatMap((known) => humanConfirmed.check(known, asked))
  )
