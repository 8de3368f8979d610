/** The birth of a key, as an operator makes one who asks for nothing special. */
import { noLimits, scopes } from "../../events/Grants.js"
import type { PublicKey } from "../../events/Ids.js"
import type { KeyCreated } from "../../events/Key.js"

export const keyCreated = (key: PublicKey, more: Partial<KeyCreated> = {}): KeyCreated => ({
  ...{ _tag: "KeyCreated", key, label: "", expiresAt: null, parent: null, generation: 0, givenTo: null },
  ...{ tier: "unlimited", limits: noLimits, scopes, confirm: "on" },
  ...more
})
