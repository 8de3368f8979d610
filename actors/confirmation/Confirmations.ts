/** The door to people (port): what must be confirmed is asked, what they answered is weighed, what waits is shown. */
import { Context, Data, type Effect } from "effect"
import type { Channel } from "../../events/Confirmation.js"
import type { ChallengeId, PublicKey } from "../../events/Ids.js"
import type { Action, Confirmation } from "../../src/guards/HumanConfirmed.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"
import type { Undelivered } from "./Delivery.js"

export type { Action } from "../../src/guards/HumanConfirmed.js"

/** X-Sudo-Challenge and X-Sudo-OTP as they came; one without the other is an answer with an empty half. */
export interface Answer {
  readonly challenge: string
  readonly code: string
}

/** The key is not known, or nothing was found out in time. */
export class Unweighed extends Data.TaggedError("Unweighed")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

export type Unknowable = Unweighed | Undelivered | LogUnavailable | StoreUnavailable

/** Times in microseconds since 1970. */
export interface Pending {
  readonly challenge: ChallengeId
  readonly key: PublicKey
  /** What it would do, for people. */
  readonly words: string
  readonly channel: Channel
  /** Null: it went elsewhere, or was asked by a server that has ended since. */
  readonly code: string | null
  readonly expiresAt: number
  readonly attemptsLeft: number
}

export class Confirmations extends Context.Tag("actors/Confirmations")<
  Confirmations,
  {
    /**
     * Facts for D21. Without an answer a challenge is made, durably, and has been delivered when it resolves (the same
     * action gets the same one while that is open and has a minute to live); a right answer is used up, durably. Failing is uncertainty. Bounded by itself, because delivery takes longer than a guard
     * waits for facts: see `Confirming`.
     */
    readonly weigh: (
      action: Action,
      required: boolean,
      answer: Answer | undefined
    ) => Effect.Effect<Confirmation, Unknowable>
    /** What waits for an answer, oldest first; codes that went to the console are with it. */
    readonly pending: Effect.Effect<ReadonlyArray<Pending>, LogUnavailable>
  }
>() {}
