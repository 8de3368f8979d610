/** What a decision point says when it does not let something happen: a typed refusal, made of data. */
import { Data } from "effect"
import type { DecisionPoint } from "../../events/Ids.js"

export type Status = 400 | 401 | 403 | 404 | 409 | 410 | 413 | 428 | 429 | 500 | 502 | 503 | 504

export type Details = Readonly<Record<string, string | number | boolean>>

export interface Reason {
  /** A machine word such as `invalid_signature`. */
  readonly code: string
  /** Specific, and names the fix. Goes to the caller: no secret, no path of the host. */
  readonly message: string
  readonly status: Status
  readonly details?: Details
  readonly retryAfterSeconds?: number
  /** The rule could not find out, as opposed to: it found out that it must refuse. */
  readonly uncertain?: true
  /** For the log and never for the caller. */
  readonly note?: string
}

type Certainty = "refused" | "uncertain"

export class Refused extends Data.TaggedError("Refused")<{
  readonly point: DecisionPoint
  readonly certainty: Certainty
  readonly reason: Reason
}> {
  override get message(): string {
    return this.reason.message
  }
}
