/** D19: does the caller stand outside of what it would destroy, and not below whoever owns that? */
import { Either } from "effect"
import { list, nullable, text } from "./Fact.js"
import { Permit, type Reason, type Refused } from "./Guard.js"
import { type Ids, type Kind, kind } from "./Resource.js"

export interface Lineage<K extends Kind = Kind> {
  readonly kind: K
  readonly resource: Ids[K]
  readonly owner: string
  /** The caller's key, and its forebears. */
  readonly actor: string
  readonly line: ReadonlyArray<string>
  /** Services whose programs hold the caller's key or one of its forebears: the caller may be such a program. */
  readonly dwellings: ReadonlyArray<string>
  /** The service that the resource was made of or belongs to. */
  readonly home: string | null
}

const rule = ({ actor, dwellings, home, line, owner, resource }: Lineage): true | Reason => {
  if (dwellings.includes(resource) || (home !== null && dwellings.includes(home)))
    return {
      code: "own_container",
      message: `The key was given to ${resource}'s own programs, and they may not do this to it. Use the owner's key.`,
      status: 403
    }
  if (line.includes(owner) && owner !== actor)
    return {
      code: "ancestors_resource",
      message: "It belongs to a key that this one descends from. Use the key that made it.",
      status: 403
    }
  return true
}

const guard = Permit.guard("D19", {
  name: "lineage-clear",
  claim: "the caller neither sits inside what it would destroy nor acts on its forebears",
  known: {
    kind,
    resource: text,
    owner: text,
    actor: text,
    line: list(text),
    dwellings: list(text),
    home: nullable(text)
  },
  rule
})

const isOf =
  <K extends Kind>(asked: Lineage<K>) =>
  (permit: Permit<"D19", Lineage>): permit is Permit<"D19", Lineage<K>> =>
    permit.facts.kind === asked.kind && permit.facts.resource === asked.resource

export const lineageClear = {
  ...guard,
  /** The permit is for things of that kind only. */
  decide: <K extends Kind>(facts: Lineage<K>): Either.Either<Permit<"D19", Lineage<K>>, Refused> =>
    Either.filterOrLeft(guard.decide(facts), isOf(facts), () =>
      guard.refuse({ code: "uncertain", message: "It is not certain whose this is.", status: 503, uncertain: true })
    )
}
