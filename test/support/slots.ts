/** Slots of keys that are all unlimited, whether or not anybody has made them. */
import { Effect } from "effect"
import * as SlotsLive from "../../actors/key/SlotsLive.js"
import { noLimits, scopes } from "../../events/Grants.js"
import { PublicKey } from "../../events/Ids.js"
import type { KeyRecord } from "../../src/projections/KeyTable.js"

export const unlimited = (key: string): KeyRecord => ({
  key: PublicKey.make(key),
  ...{ label: "", status: "active", expiresAt: null, createdAt: 0, parent: null, generation: 0, givenTo: null },
  ...{ tier: "unlimited", limits: noLimits, scopes, confirm: "off", contact: { email: null, webhook: null } },
  ...{ totp: false, line: [] }
})

export const generous = SlotsLive.make((key) => Effect.succeedSome(unlimited(key)))

/** Of keys that may each have so many things running. */
export const slotsOf = (concurrency: number) =>
  SlotsLive.make((key) => Effect.succeedSome({ ...unlimited(key), limits: { ...noLimits, concurrency } }))
