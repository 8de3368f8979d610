/** D11 on what is asked for a child key: no more than its parent has, not for longer, and not in too long a line. */
import { Either, Struct } from "effect"
import type { Confirm, Grants, Limits, Scope, Tier } from "../../events/Grants.js"
import type { Entitlement } from "./Entitlement.js"
import { anything } from "./Fact.js"
import type { Reason } from "./Guard.js"
import { wellformed } from "./RequestWellformed.js"
import { planOf } from "./Tiers.js"

/** A line may be this long below its first key. */
export const GENERATIONS = 8

/** What is asked for; what is not named is left as it is: the tier's, or the parent's. */
export interface Wanted {
  readonly tier?: Tier
  /** Null is the tier's. */
  readonly limits?: Partial<Limits>
  readonly scopes?: ReadonlyArray<Scope>
}

export interface Bearing {
  readonly key: string
  readonly tier: Tier
  readonly generation: number
  readonly expiresAt: number | null
  readonly has: Entitlement
}

interface Descent {
  readonly parent: Bearing
  readonly wanted: Wanted
  /** Null: as long as its parent. */
  readonly expiresAt: number | null
}

const wire = {
  ...{ rpm: "rpm", burst: "burst", concurrency: "concurrency", vcpu: "vcpu", ttlSeconds: "ttl" },
  ...{ services: "services", snapshots: "snapshots", images: "images", keptBytes: "kept_bytes" }
} as const satisfies Record<keyof Limits, string>

export const limitNames: ReadonlyArray<readonly [keyof Limits, string]> = Struct.entries(wire)

const beyond = (limit: string, asked: string | number, has: string | number): Reason => ({
  code: "beyond_parent",
  message: `${limit}: ${asked} is more than the parent has (${has}). Ask for no more than that.`,
  status: 403,
  details: { limit, asked, parent_has: has }
})

const tierWithin = ({ tier: has }: Bearing, asked: Tier): Reason | undefined => {
  const [most, plan] = [planOf(has), planOf(asked)]
  if (plan === undefined || most === undefined) return beyond("tier", asked, has)
  const more = limitNames.some(([limit]) => plan[limit] > most[limit])
  return more || plan.scopes.some((scope) => !most.scopes.includes(scope)) ? beyond("tier", asked, has) : undefined
}

const limitsWithin = ({ has }: Bearing, limits: Partial<Limits>): Reason | undefined => {
  for (const [limit, name] of limitNames) {
    const asked = limits[limit]
    if (asked !== undefined && asked !== null && asked > has[limit]) return beyond(name, asked, has[limit])
  }
  return undefined
}

const scopesWithin = ({ has }: Bearing, scopes: ReadonlyArray<Scope>): Reason | undefined => {
  const missing = scopes.find((scope) => !has.scopes.has(scope))
  return missing === undefined ? undefined : beyond("scopes", missing, [...has.scopes].join(", ") || "none")
}

const iso = (micros: number) => new Date(micros / 1_000).toISOString()

const expiryWithin = ({ expiresAt: ends }: Bearing, asked: number | null): Reason | undefined =>
  asked !== null && ends !== null && asked > ends ? beyond("expires", iso(asked), iso(ends)) : undefined

const tooLong = ({ generation, key }: Bearing): Reason | undefined =>
  generation < GENERATIONS
    ? undefined
    : {
        code: "line_too_long",
        message: `${key} is of generation ${generation}, the last that may be. Make the child of one above it.`,
        status: 403,
        details: { limit: "generation", asked: generation + 1, parent_has: generation }
      }

export const descentWellformed = wellformed<Descent, Descent>(
  { parent: anything, wanted: anything, expiresAt: anything },
  (descent) => {
    const { expiresAt, parent, wanted } = descent
    const wrong =
      tooLong(parent) ??
      (wanted.tier === undefined ? undefined : tierWithin(parent, wanted.tier)) ??
      limitsWithin(parent, wanted.limits ?? {}) ??
      scopesWithin(parent, wanted.scopes ?? []) ??
      expiryWithin(parent, expiresAt)
    return wrong === undefined ? Either.right(descent) : Either.left(wrong)
  }
)

/** What is wanted, over what is there. */
export const grantsOf = ({ limits, scopes, tier }: Wanted, usual: Grants): Grants => ({
  tier: tier ?? usual.tier,
  limits: { ...usual.limits, ...limits },
  scopes: scopes ?? usual.scopes
})

const strength: Readonly<Record<Confirm, number>> = { off: 0, on: 1, always: 2 }

export const stronger = (one: Confirm, other: Confirm): Confirm => (strength[one] >= strength[other] ? one : other)
