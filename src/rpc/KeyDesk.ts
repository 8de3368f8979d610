/** Managing keys as an operator sees it: the same verbs over the socket and straight on the store. */
import { type Context, Effect } from "effect"
import type { Keys } from "../../actors/key/Keys.js"
import type { Confirm } from "../../events/Grants.js"
import type { PublicKey } from "../../events/Ids.js"
import type { KeyRecord } from "../projections/KeyTable.js"
import { type Declined, declined } from "./Declined.js"
import type { Key, KeyOrder, Pair, Wanted } from "./KeyControl.js"
import { OPERATOR } from "./Operator.js"

type Done = Effect.Effect<void, Declined>

export interface KeyDesk {
  /** Resolves once durable. `expiresAt` in microseconds since 1970. */
  readonly create: (order: KeyOrder) => Effect.Effect<Pair, Declined>
  readonly list: Effect.Effect<ReadonlyArray<Key>, Declined>
  readonly suspend: (key: PublicKey, reason: string) => Done
  readonly resume: (key: PublicKey) => Done
  readonly revoke: (key: PublicKey, reason: string) => Done
  readonly extend: (key: PublicKey, expiresAt: number | null) => Done
  readonly limit: (key: PublicKey, grants: Wanted) => Done
  readonly confirm: (key: PublicKey, confirm: Confirm) => Done
}

const orDeclined = Effect.mapError(declined)

/** Its line is told by each one's `parent`. */
const told = (record: KeyRecord): Key => {
  const { line: _, ...own } = record
  return own
}

export const of = (keys: Context.Tag.Service<Keys>): KeyDesk => ({
  create: (order) => orDeclined(keys.create(order, OPERATOR)),
  list: orDeclined(Effect.map(keys.list, (all) => all.map(told))),
  suspend: (key, reason) => orDeclined(keys.suspend(key, reason, OPERATOR)),
  resume: (key) => orDeclined(keys.resume(key, OPERATOR)),
  revoke: (key, reason) => orDeclined(keys.revoke(key, reason, OPERATOR)),
  extend: (key, expiresAt) => orDeclined(keys.extend(key, expiresAt, OPERATOR)),
  limit: (key, grants) => orDeclined(keys.grant(key, grants, OPERATOR)),
  confirm: (key, confirm) => orDeclined(keys.setConfirm(key, confirm, OPERATOR))
})
