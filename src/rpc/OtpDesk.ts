/** Confirmations as an operator sees them: what waits for a code, and where each key's codes go. */
import { type Context, Effect } from "effect"
import type { Confirmations } from "../../actors/confirmation/Confirmations.js"
import type { Addresses, Contacts } from "../../actors/confirmation/Contacts.js"
import type { PublicKey } from "../../events/Ids.js"
import { type Declined, declined } from "./Declined.js"
import { OPERATOR } from "./Operator.js"
import type { Contact, Pending } from "./OtpControl.js"

type Done = Effect.Effect<void, Declined>

export interface OtpDesk {
  /** Oldest first; those that went to the console have their code with them. */
  readonly pending: Effect.Effect<ReadonlyArray<Pending>, Declined>
  readonly contacts: Effect.Effect<ReadonlyArray<Contact>, Declined>
  readonly contact: (key: PublicKey, addresses: Addresses) => Done
  /** The `otpauth:` URI, this once. */
  readonly enrol: (key: PublicKey) => Effect.Effect<string, Declined>
  readonly confirm: (key: PublicKey, code: string) => Done
  readonly remove: (key: PublicKey) => Done
}

const orDeclined = Effect.mapError(declined)

export const of = (
  { pending }: Context.Tag.Service<Confirmations>,
  { change, confirm, enrol, list, remove }: Context.Tag.Service<Contacts>
): OtpDesk => ({
  pending: orDeclined(pending),
  contacts: orDeclined(list),
  contact: (key, addresses) => orDeclined(change(key, addresses, OPERATOR)),
  enrol: (key) => orDeclined(enrol(key)),
  confirm: (key, code) => orDeclined(confirm(key, code, OPERATOR)),
  remove: (key) => orDeclined(remove(key, OPERATOR))
})
