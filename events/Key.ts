/** What can happen to an API key. Its secret is never in an event. */
import { Schema } from "effect"
import { Confirm, Grants, noLimits, scopes } from "./Grants.js"
import { Micros, PublicKey, ServiceId } from "./Ids.js"
import { define, reader, type Upcaster } from "./Versioned.js"

const Of = { key: PublicKey }

const Created = Schema.TaggedStruct("KeyCreated", {
  ...Of,
  label: Schema.String,
  expiresAt: Schema.NullOr(Micros),
  /** Whose child it is. */
  parent: Schema.NullOr(PublicKey),
  /** 0 without a parent, otherwise one more than the parent's. */
  generation: Schema.NonNegativeInt,
  /** The service that it was made for, and whose programs hold it. */
  givenTo: Schema.NullOr(ServiceId),
  ...Grants.fields,
  confirm: Confirm
})
/** Version 1: keys had neither parents nor limits, and nobody was asked to confirm anything. */
const unlimited: Upcaster = (old) => ({
  ...old,
  ...{ parent: null, generation: 0, givenTo: null },
  ...{ tier: "unlimited", limits: noLimits, scopes, confirm: "on" }
})
const Suspended = Schema.TaggedStruct("KeySuspended", { ...Of, reason: Schema.String })
const Resumed = Schema.TaggedStruct("KeyResumed", Of)
const Revoked = Schema.TaggedStruct("KeyRevoked", { ...Of, reason: Schema.String })
const Extended = Schema.TaggedStruct("KeyExtended", { ...Of, expiresAt: Schema.NullOr(Micros) })
const Granted = Schema.TaggedStruct("KeyGranted", { ...Of, ...Grants.fields })
const ConfirmationSet = Schema.TaggedStruct("KeyConfirmationSet", { ...Of, confirm: Confirm })
/** Where codes for its owner go. */
const ContactChanged = Schema.TaggedStruct("KeyContactChanged", {
  ...Of,
  email: Schema.NullOr(Schema.String),
  webhook: Schema.NullOr(Schema.String)
})
const TotpEnrolled = Schema.TaggedStruct("KeyTotpEnrolled", Of)
const TotpRemoved = Schema.TaggedStruct("KeyTotpRemoved", Of)

export const KeyEvent = Schema.Union(
  ...[Created, Suspended, Resumed, Revoked, Extended, Granted, ConfirmationSet, ContactChanged],
  ...[TotpEnrolled, TotpRemoved]
)
export type KeyEvent = typeof KeyEvent.Type
export type KeyCreated = typeof Created.Type

export const all = [
  define("KeyCreated", Created, unlimited),
  define("KeySuspended", Suspended),
  define("KeyResumed", Resumed),
  define("KeyRevoked", Revoked),
  define("KeyExtended", Extended),
  define("KeyGranted", Granted),
  define("KeyConfirmationSet", ConfirmationSet),
  define("KeyContactChanged", ContactChanged),
  define("KeyTotpEnrolled", TotpEnrolled),
  define("KeyTotpRemoved", TotpRemoved)
]
export const read = reader<KeyEvent>(...all)
