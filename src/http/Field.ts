/** Fields of the API's shapes, each with its description and an example, so that the OpenAPI document has them too. */
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import type { DecisionPoint } from "../../events/Ids.js"

type Documented<A> = readonly [description: string, ...examples: readonly [A, ...ReadonlyArray<A>]]

const documented =
  <A, I>(schema: Schema.Schema<A, I>) =>
  (...[description, ...examples]: Documented<A>) =>
    schema.annotations({ description, examples })

export const text = documented(Schema.String)
export const count = documented(Schema.Int)
export const number = documented(Schema.Number)
export const flag = documented(Schema.Boolean)
export const of = <A, I>(schema: Schema.Schema<A, I>, ...about: Documented<A>) => documented(schema)(...about)

export const time = (what: string) => text(`${what} (ISO 8601).`, "2026-01-18T09:30:00.000Z")

/** What a route is for, and the decision points that it passes, in order. */
export const route = (summary: string, description: string, ...points: ReadonlyArray<DecisionPoint>) =>
  OpenApi.annotations({
    summary,
    description,
    transform: (operation) => ({ ...operation, "x-decision-points": points })
  })

/** What cannot be undone passes these last. */
export const consented = ["D19", "D21", "D05"] as const

/** Every signed route passes these first. */
export const signed = ["D04", "D01", "D03", "D02"] as const
