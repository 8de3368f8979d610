/** What an operator's command line asks about keys. */
import { Rpc, RpcGroup } from "@effect/rpc"
import { Schema } from "effect"
import { Confirm, Grants, Limits, Scope, Tier } from "../../events/Grants.js"
import { Micros, PublicKey, ServiceId } from "../../events/Ids.js"
import { Declined } from "./Declined.js"

const exact = { exact: true } as const

/** What may be said of a key's grants; what is not said is left as it is. */
export const Wanted = Schema.Struct({
  tier: Schema.optionalWith(Tier, exact),
  limits: Schema.optionalWith(Schema.partialWith(Limits, exact), exact),
  scopes: Schema.optionalWith(Schema.Array(Scope), exact)
})
export type Wanted = typeof Wanted.Type

export const KeyOrder = Schema.Struct({
  label: Schema.String,
  expiresAt: Schema.NullOr(Micros),
  parent: Schema.NullOr(PublicKey),
  grants: Wanted,
  confirm: Schema.optionalWith(Confirm, exact)
})
export type KeyOrder = typeof KeyOrder.Type

export const Key = Schema.Struct({
  key: PublicKey,
  label: Schema.String,
  status: Schema.Literal("active", "suspended", "revoked"),
  expiresAt: Schema.NullOr(Micros),
  createdAt: Micros,
  parent: Schema.NullOr(PublicKey),
  generation: Schema.NonNegativeInt,
  givenTo: Schema.NullOr(ServiceId),
  ...Grants.fields,
  confirm: Confirm,
  contact: Schema.Struct({ email: Schema.NullOr(Schema.String), webhook: Schema.NullOr(Schema.String) }),
  totp: Schema.Boolean
})
export type Key = typeof Key.Type

export const Pair = Schema.Struct({ publicKey: PublicKey, secretKey: Schema.String })
export type Pair = typeof Pair.Type

const Of = { key: PublicKey }
const Change = { ...Of, reason: Schema.String }

export const KeyControl = RpcGroup.make(
  Rpc.make("create", { payload: KeyOrder, success: Pair, error: Declined }),
  Rpc.make("list", { success: Schema.Array(Key), error: Declined }),
  Rpc.make("suspend", { payload: Change, error: Declined }),
  Rpc.make("resume", { payload: Of, error: Declined }),
  Rpc.make("revoke", { payload: Change, error: Declined }),
  Rpc.make("extend", { payload: { ...Of, expiresAt: Schema.NullOr(Micros) }, error: Declined }),
  Rpc.make("limit", { payload: { ...Of, grants: Wanted }, error: Declined }),
  Rpc.make("confirm", { payload: { ...Of, confirm: Confirm }, error: Declined })
).prefix("keys.")
