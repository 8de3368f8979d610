/** D17: may this caller act on this resource? */
import { text } from "./Fact.js"
import { Permit } from "./Guard.js"

export interface Ownership {
  /** The caller's public key. */
  readonly actor: string
  readonly resource: string
  /** Whoever made it. Not known is refused; there is no unowned. */
  readonly owner: string
}

export const resourceOwned = Permit.guard("D17", {
  name: "resource-owned",
  claim: "the caller's key is the owner's key",
  known: { actor: text, resource: text, owner: text },
  rule: ({ actor, owner, resource }: Ownership) =>
    owner === actor || {
      code: "not_owner",
      message: `${resource} belongs to another key. Use the key that made it.`,
      status: 403
    }
})
