/** What can happen to an API key. Its secret is never in an event. */
import { Schema } from "effect"
import { Micros, PublicKey } from "./Ids.js"
import { define, reader } from "./Versioned.js"

const Created = Schema.TaggedStruct("KeyCreated", {
  key: PublicKey,
  label: Schema.String,
  expiresAt: Schema.NullOr(Micros)
})
const Suspended = Schema.TaggedStruct("KeySuspended", { key: PublicKey, reason: Schema.String })
const Resumed = Schema.TaggedStruct("KeyResumed", { key: PublicKey })
const Revoked = Schema.TaggedStruct("KeyRevoked", { key: PublicKey, reason: Schema.String })

export const KeyEvent = Schema.Union(Created, Suspended, Resumed, Revoked)
export type KeyEvent = typeof KeyEvent.Type

export const all = [
  define("KeyCreated", Created),
  define("KeySuspended", Suspended),
  define("KeyResumed", Resumed),
  define("KeyRevoked", Revoked)
]
export const read = reader<KeyEvent>(...all)
