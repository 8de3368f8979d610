/** What it takes beyond ownership to destroy, unlock, overwrite or give away: each such command carries it. */
import type { Evidence } from "../../events/Evidence.js"
import type { DecisionPoint } from "../../events/Ids.js"
import type { Proof } from "./Authentication.js"
import { evidenceOf } from "./Evidence.js"
import type { Permit } from "./Guard.js"
import type { Confirmed } from "./HumanConfirmed.js"
import type { Lineage } from "./LineageClear.js"
import type { Unreplayed } from "./RequestUnreplayed.js"
import type { Ids, Kind } from "./Resource.js"

export interface Consent<K extends Kind = Kind> {
  /** What let the request in: D01 to D04. */
  readonly caller: Proof
  readonly clear: Permit<"D19", Lineage<K>>
  readonly confirmed: Permit<"D21", Confirmed>
  readonly unreplayed: Permit<"D05", Unreplayed>
}

/** Given by this caller for this very thing: permits were true when they were issued, the state is true now. */
export const isFor = <K extends Kind>(consent: Consent<K>, resource: Ids[K], owner: string): boolean => {
  const { clear, confirmed, unreplayed } = consent
  const { actor } = clear.facts
  return (
    clear.facts.resource === resource &&
    clear.facts.owner === owner &&
    actor === owner &&
    confirmed.facts.key === actor &&
    unreplayed.facts.publicKey === actor
  )
}

/** All of it as the event tells it, with what else let the command pass. */
export const told = (
  { caller, clear, confirmed, unreplayed }: Consent,
  ...more: ReadonlyArray<Permit<DecisionPoint>>
): Evidence => evidenceOf(...caller, ...more, clear, confirmed, unreplayed)
