/** The keys' secrets in the form that signatures are checked with, made once each. */
import { Effect, Option } from "effect"
import type { Keys } from "../../actors/key/Keys.js"
import type { PublicKey } from "../../events/Ids.js"
import { type Secret, secretOf } from "../guards/Signature.js"

interface Secrets {
  /** Undefined when it cannot be had, for whatever reason. */
  readonly of: (key: PublicKey) => Effect.Effect<Secret | undefined>
}

/** As many as there are keys, at most this. */
const bound = 10_000

export const make = (keys: Keys["Type"]): Secrets => {
  const made = new Map<PublicKey, { readonly text: string; readonly secret: Secret }>()
  const known = (key: PublicKey, text: string): Secret => {
    const before = made.get(key)
    if (before?.text === text) return before.secret
    if (made.size >= bound) made.clear()
    const secret = secretOf(text)
    made.set(key, { text, secret })
    return secret
  }
  return {
    of: (key) =>
      Effect.match(keys.secretOf(key), {
        onFailure: () => undefined,
        onSuccess: Option.match({ onNone: () => undefined, onSome: (text) => known(key, text) })
      })
  }
}
