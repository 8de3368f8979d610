/** D20: has nobody locked it? What destroys or changes a thing asks first. */
import { Either } from "effect"
import { flag, text } from "./Fact.js"
import { Permit, type Refused } from "./Guard.js"
import { type Ids, type Kind, kind } from "./Resource.js"

export interface Lock<K extends Kind = Kind> {
  readonly kind: K
  readonly resource: Ids[K]
  readonly locked: boolean
}

const guard = Permit.guard("D20", {
  name: "resource-unlocked",
  claim: "nobody has locked it",
  known: { kind, resource: text, locked: flag },
  rule: ({ kind, locked, resource }: Lock) =>
    !locked || {
      code: "locked",
      message: `${resource} is locked. Unlock it first: POST /${kind}s/${resource}/unlock.`,
      status: 409,
      details: { locked: true }
    }
})

const isOf =
  <K extends Kind>(asked: Lock<K>) =>
  (permit: Permit<"D20", Lock>): permit is Permit<"D20", Lock<K>> =>
    permit.facts.kind === asked.kind && permit.facts.resource === asked.resource

export const resourceUnlocked = {
  ...guard,
  /** The permit is for things of that kind only. */
  decide: <K extends Kind>(facts: Lock<K>): Either.Either<Permit<"D20", Lock<K>>, Refused> =>
    Either.filterOrLeft(guard.decide(facts), isOf(facts), () =>
      guard.refuse({ code: "uncertain", message: "It is not certain what is locked.", status: 503, uncertain: true })
    )
}
