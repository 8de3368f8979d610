/** What can happen to a warm pool: its size is set, its circuit opens and closes. */
import { Schema } from "effect"
import { PoolId } from "./Ids.js"
import { define, reader } from "./Versioned.js"

const Sized = Schema.TaggedStruct("PoolSized", {
  pool: PoolId,
  target: Schema.NonNegativeInt,
  maximum: Schema.NonNegativeInt
})

const CircuitOpened = Schema.TaggedStruct("PoolCircuitOpened", {
  pool: PoolId,
  failures: Schema.NonNegativeInt,
  reason: Schema.String,
  retryMillis: Schema.NonNegativeInt
})

const CircuitClosed = Schema.TaggedStruct("PoolCircuitClosed", { pool: PoolId })

export const PoolEvent = Schema.Union(Sized, CircuitOpened, CircuitClosed)
export type PoolEvent = typeof PoolEvent.Type

export const all = [
  define("PoolSized", Sized),
  define("PoolCircuitOpened", CircuitOpened),
  define("PoolCircuitClosed", CircuitClosed)
]
export const read = reader<PoolEvent>(...all)
