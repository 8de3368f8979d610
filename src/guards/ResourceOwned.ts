/** D17: may this caller act on this resource? */
import { Either } from "effect"
import { text } from "./Fact.js"
import { Permit, type Refused } from "./Guard.js"
import { type Ids, type Kind, kind } from "./Resource.js"

export interface Ownership<K extends Kind = Kind> {
  readonly kind: K
  /** The caller's public key. */
  readonly actor: string
  readonly resource: Ids[K]
  /** Whoever made it. Not known is refused; there is no unowned. */
  readonly owner: string
}

const guard = Permit.guard("D17", {
  name: "resource-owned",
  claim: "the caller's key is the owner's key",
  known: { kind, actor: text, resource: text, owner: text },
  rule: ({ actor, owner, resource }: Ownership) =>
    owner === actor || {
      code: "not_owner",
      message: `${resource} belongs to another key. Use the key that made it.`,
      status: 403
    }
})

const isOf =
  <K extends Kind>(asked: Ownership<K>) =>
  (permit: Permit<"D17", Ownership>): permit is Permit<"D17", Ownership<K>> =>
    permit.facts.kind === asked.kind && permit.facts.resource === asked.resource

export const resourceOwned = {
  ...guard,
  /** The permit is for things of that kind only. */
  decide: <K extends Kind>(facts: Ownership<K>): Either.Either<Permit<"D17", Ownership<K>>, Refused> =>
    Either.filterOrLeft(guard.decide(facts), isOf(facts), () =>
      guard.refuse({ code: "uncertain", message: "It is not certain whose this is.", status: 503, uncertain: true })
    )
}
