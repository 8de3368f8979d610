/** Permits as they are written into the history: their points and their facts, flat. */
import type { Evidence } from "../../events/Evidence.js"
import type { DecisionPoint } from "../../events/Ids.js"
import type { Permit } from "./Guard.js"

type Scalar = string | number | boolean | null
type Facts = Record<string, Scalar>

const isScalar = (value: unknown): value is Scalar =>
  value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean"

/** Lists of words become one; what is neither is not a fact that a reader of the log needs. */
const add = (facts: Facts, name: string, value: unknown, depth: number): void => {
  if (isScalar(value)) facts[name] = value
  else if (Array.isArray(value)) facts[name] = value.filter(isScalar).join(" ")
  else if (depth > 0 && typeof value === "object" && value !== null && !(value instanceof Uint8Array))
    for (const [inner, item] of Object.entries(value)) add(facts, `${name}.${inner}`, item, depth - 1)
}

export const evidenceOf = (...permits: ReadonlyArray<Permit<DecisionPoint>>): Evidence =>
  permits.map(({ facts, point }) => {
    const flat: Facts = {}
    for (const [name, value] of Object.entries(facts ?? {})) add(flat, name, value, 1)
    return { point, facts: flat }
  })
