/** What a decision point refused. */
import { Schema } from "effect"
import { DecisionPoint } from "./Ids.js"
import { define, reader } from "./Versioned.js"

const Refused = Schema.TaggedStruct("Refused", {
  point: DecisionPoint,
  /** The key as the caller gave it, cut to 80 characters; empty when there was none. */
  principal: Schema.String,
  action: Schema.String,
  certainty: Schema.Literal("refused", "uncertain"),
  reason: Schema.String,
  /** Refusals alike within a second are told as one. */
  count: Schema.Positive
})

export const DecisionEvent = Schema.Union(Refused)
export type DecisionEvent = typeof DecisionEvent.Type

export const all = [define("Refused", Refused)]
export const read = reader<DecisionEvent>(...all)
