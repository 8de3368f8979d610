/** D11: does the order decode, with its sizes and names in bounds? */
import { anything } from "./Fact.js"
import { Permit } from "./Guard.js"
import * as Order from "./Order.js"

export { BOUNDS, type Order, type Written } from "./Order.js"

/** The permit carries the order in its normal form. */
export const requestWellformed = Permit.guard("D11", {
  name: "request-wellformed",
  claim: "the request decodes and its sizes and names are in bounds",
  // Whatever a caller writes is known: it is what it wrote.
  known: {
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
  reads: (written: Order.Written) => Order.read(written)
})
