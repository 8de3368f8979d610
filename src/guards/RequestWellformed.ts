/** D11: does the request decode, with its sizes and names in bounds? */
import type { Either } from "effect"
import { anything, type Shape } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"
import * as Order from "./Order.js"

export { BOUNDS, type Order, type Written } from "./Order.js"

/** One decision point, however many shapes of requests there are: the permit carries what was read, in its normal form. */
export const wellformed = <Written extends object, Read>(
  known: Shape<Written>,
  reads: (written: Written) => Either.Either<Read, Reason>
) =>
  Permit.guard("D11", {
    name: "request-wellformed",
    claim: "the request decodes and its sizes and names are in bounds",
    known,
    reads
  })

/** An order to run a program. */
export const requestWellformed = wellformed(
  // Whatever a caller writes is known: it is what it wrote.
  {
    language: anything,
    code: anything,
    env: anything,
    stdin: anything,
    network_mode: anything,
    ttl: anything,
    vcpu: anything,
    return_artifact: anything,
    return_wasm_artifact: anything
  },
  (written: Order.Written) => Order.read(written)
)
