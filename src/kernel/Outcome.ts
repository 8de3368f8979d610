/** What an asker learns when there is no answer, and what an owner learns when a run ends badly. */
import { Cause, Data } from "effect"
import type { StreamId } from "../../events/Envelope.js"

/** The command was never acted upon: safe to send again (later, or elsewhere). */
export class NotAccepted extends Data.TaggedError("NotAccepted")<{
  readonly stream: StreamId
  readonly reason: "full" | "stopped"
}> {}

/** The command may or may not have happened: read before sending it again. */
export class OutcomeUnknown extends Data.TaggedError("OutcomeUnknown")<{ readonly stream: StreamId }> {}

export type Step = "replay" | "decide" | "append" | "evolve" | "react"

/** Why a run ended badly. Whoever owns the actor runs it again, or stops it. */
export class ActorFailed extends Data.TaggedError("ActorFailed")<{
  readonly stream: StreamId
  readonly step: Step
  readonly cause: Cause.Cause<unknown>
}> {
  override get message() {
    return `${this.stream} failed in ${this.step}: ${Cause.pretty(this.cause)}`
  }
}
