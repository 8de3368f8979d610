/** What an operator's command line asks about confirmations, and about where their codes go. */
import { Rpc, RpcGroup } from "@effect/rpc"
import { Schema } from "effect"
import { Channel } from "../../events/Confirmation.js"
import { ChallengeId, Micros, PublicKey } from "../../events/Ids.js"
import { Declined } from "./Declined.js"

export const Pending = Schema.Struct({
  challenge: ChallengeId,
  key: PublicKey,
  words: Schema.String,
  channel: Channel,
  code: Schema.NullOr(Schema.String),
  expiresAt: Micros,
  attemptsLeft: Schema.Int
})
export type Pending = typeof Pending.Type

const Addresses = { email: Schema.NullOr(Schema.String), webhook: Schema.NullOr(Schema.String) }

export const Contact = Schema.Struct({
  key: PublicKey,
  label: Schema.String,
  ...Addresses,
  totp: Schema.Boolean
})
export type Contact = typeof Contact.Type

const Of = { key: PublicKey }

export const OtpControl = RpcGroup.make(
  Rpc.make("pending", { success: Schema.Array(Pending), error: Declined }),
  Rpc.make("contacts", { success: Schema.Array(Contact), error: Declined }),
  Rpc.make("contact", { payload: { ...Of, ...Addresses }, error: Declined }),
  Rpc.make("enrol", { payload: Of, success: Schema.String, error: Declined }),
  Rpc.make("confirm", { payload: { ...Of, code: Schema.String }, error: Declined }),
  Rpc.make("remove", { payload: Of, error: Declined })
).prefix("otp.")
