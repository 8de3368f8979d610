/** A way to a person (port): takes a code to an address within its deadline, or says that it could not. */
import { Data, Duration, Effect, type Redacted } from "effect"
import type { Channel } from "../../events/Confirmation.js"
import type { ChallengeId, PublicKey } from "../../events/Ids.js"

export interface Message {
  readonly challenge: ChallengeId
  readonly key: PublicKey
  readonly code: Redacted.Redacted<string>
  /** What it would do, for people. */
  readonly words: string
  /** Microseconds since 1970. */
  readonly expiresAt: number
}

/** Nobody has the code. The reason is a word of the protocol: what others said is not repeated. */
export class Undelivered extends Data.TaggedError("Undelivered")<{
  readonly channel: Channel
  readonly reason: string
}> {}

export interface Delivery {
  /** Resolves when the other side has taken it over. */
  readonly send: (to: string, message: Message) => Effect.Effect<void, Undelivered>
}

/** Of connecting, sending, and being answered; together with the asking it stays below `Confirming.LONGEST`. */
const DEADLINE = Duration.seconds(10)

export const inTime = (channel: Channel, sending: Effect.Effect<void, Undelivered>) =>
  Effect.timeoutFail(sending, {
    duration: DEADLINE,
    onTimeout: () => new Undelivered({ channel, reason: "timeout" })
  })
