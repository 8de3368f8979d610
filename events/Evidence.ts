/** Proofs that somebody had when they did what cannot be undone: which decision points let it happen, on what facts. */
import { Schema } from "effect"
import { DecisionPoint } from "./Ids.js"
import type { Upcaster } from "./Versioned.js"

const Scalar = Schema.Union(Schema.String, Schema.Number, Schema.Boolean, Schema.Null)

export const Evidence = Schema.Array(
  Schema.Struct({ point: DecisionPoint, facts: Schema.Record({ key: Schema.String, value: Scalar }) })
)
export type Evidence = typeof Evidence.Type

/** Rows from before it was recorded. */
export const unrecorded: Upcaster = (old) => ({ ...old, evidence: [] })
