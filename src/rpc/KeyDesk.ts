/** Managing keys as an operator sees it: the same five verbs over the socket and straight on the store. */

import type { Context } from "effect"
import { Effect } from "effect"
import type { Keys } from "../../actors/key/Keys.js"
import type { PublicKey } from "../../events/Ids.js"
import { Declined, type Key, type Pair } from "./Control.js"

export interface KeyDesk {
  /** Resolves once durable. `expiresAt` in microseconds since 1970. */
  readonly create: (label: string, expiresAt: number | null) => Effect.Effect<Pair, Declined>
  readonly list: Effect.Effect<ReadonlyArray<Key>, Declined>
  readonly suspend: (key: PublicKey, reason: string) => Effect.Effect<void, Declined>
  readonly resume: (key: PublicKey) => Effect.Effect<void, Declined>
  readonly revoke: (key: PublicKey, reason: string) => Effect.Effect<void, Declined>
}

/** Who acts, in the log: whoever may open the socket or the store is the operator. */
const OPERATOR = "operator"

const fields = (error: unknown): Readonly<Record<string, unknown>> =>
  typeof error === "object" && error !== null ? { ...error } : {}

/** Refusals carry their reason as data; outages carry a sentence. */
export const declined = (error: unknown): Declined => {
  const { _tag, reason } = fields(error)
  const told = fields(reason)
  const code = typeof told.code === "string" ? told.code : typeof _tag === "string" ? _tag : "failed"
  const said = [told.message, reason, error instanceof Error ? error.message : undefined]
  return new Declined({
    code,
    message: said.find((text) => typeof text === "string" && text !== "")?.toString() ?? code
  })
}

const orDeclined = Effect.mapError(declined)

export const of = (keys: Context.Tag.Service<Keys>): KeyDesk => ({
  create: (label, expiresAt) => orDeclined(keys.create(label, expiresAt, OPERATOR)),
  list: orDeclined(keys.list),
  suspend: (key, reason) => orDeclined(keys.suspend(key, reason, OPERATOR)),
  resume: (key) => orDeclined(keys.resume(key, OPERATOR)),
  revoke: (key, reason) => orDeclined(keys.revoke(key, reason, OPERATOR))
})
