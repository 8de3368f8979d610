/** Leave that a key of no special tier has, as the real guard gives it. */
import { Either } from "effect"
import { noLimits, scopes } from "../../events/Grants.js"
import { entitles, type Wish } from "../../src/guards/TierEntitled.js"

const grants = { tier: "unlimited", limits: noLimits, scopes, line: [] } as const

export const entitledTo = (wish: Wish, key: string) => Either.getOrThrow(entitles(wish, { ...grants, key }))
