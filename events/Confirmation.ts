/** What can happen to a challenge that asks a person to confirm one action. No code is in any event, only its keyed digest. */
import { Schema } from "effect"
import { ChallengeId, Digest, Micros, PublicKey } from "./Ids.js"
import { define, reader } from "./Versioned.js"

/** How a person comes by the code. The list only grows. */
export const Channel = Schema.Literal("console", "email", "webhook", "totp")
export type Channel = typeof Channel.Type

/** Why a challenge can no longer be answered. The list only grows. */
export const VoidCause = Schema.Literal("attempts", "superseded", "undelivered")
export type VoidCause = typeof VoidCause.Type

const Of = { challenge: ChallengeId, key: PublicKey }

const Asked = Schema.TaggedStruct("ConfirmationAsked", {
  ...Of,
  /** The action: a request of this key with exactly these. */
  method: Schema.String,
  path: Schema.String,
  bodyDigest: Digest,
  expiresAt: Micros,
  channel: Channel,
  /** The key whose contact or device is asked: this one, or the nearest of its line that has any. */
  holder: PublicKey,
  /** Hex HMAC-SHA256 of the code under a key that is not in the log; null when a device makes the codes. */
  codeMac: Schema.NullOr(Schema.String.pipe(Schema.pattern(/^[0-9a-f]{64}$/)))
})
const Missed = Schema.TaggedStruct("ConfirmationMissed", { ...Of, misses: Schema.Positive })
const Given = Schema.TaggedStruct("ConfirmationGiven", Of)
const Voided = Schema.TaggedStruct("ConfirmationVoided", { ...Of, cause: VoidCause })

/** A stream of its own for each time step of a device: whoever writes it first has used that code. */
const CodeUsed = Schema.TaggedStruct("ConfirmationCodeUsed", { key: PublicKey, step: Schema.NonNegativeInt })

export const ConfirmationEvent = Schema.Union(Asked, Missed, Given, Voided)
export type ConfirmationEvent = typeof ConfirmationEvent.Type
export type ConfirmationAsked = typeof Asked.Type
export type ConfirmationCodeUsed = typeof CodeUsed.Type

const ofChallenge = [
  define("ConfirmationAsked", Asked),
  define("ConfirmationMissed", Missed),
  define("ConfirmationGiven", Given),
  define("ConfirmationVoided", Voided)
]
const ofCode = [define("ConfirmationCodeUsed", CodeUsed)]

export const all = [...ofChallenge, ...ofCode]
export const read = reader<ConfirmationEvent>(...ofChallenge)
export const readCode = reader<ConfirmationCodeUsed>(...ofCode)
