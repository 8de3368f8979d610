/** Whether a pool has room for a claim (D10), asked with only what matters to the question. */
import type { Either } from "effect"
import type { PoolId } from "../../events/Ids.js"
import { type Capacity, capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import type { Permit, Refused } from "../../src/guards/Guard.js"

export interface Options {
  readonly pool: PoolId
  /** Memory that may be promised to claimed containers at one time, of all pools together. */
  readonly capacityBytes: number
  /** How long a claim may wait. */
  readonly queueMillis: number
}

export type Room = (
  facts: Partial<Capacity> & Pick<Capacity, "askedBytes">
) => Either.Either<Permit<"D10", Capacity>, Refused>

/** More would only wait for their deadline. */
const WAITING_MAXIMUM = 20_000

export const make = ({ capacityBytes, pool, queueMillis }: Options): Room => {
  const nothing = { promisedBytes: 0, waiting: 0, waitedMillis: 0, waitingMaximum: WAITING_MAXIMUM }
  return (facts) => capacityAvailable.decide({ ...nothing, pool, capacityBytes, queueMillis, ...facts })
}
