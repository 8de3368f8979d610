/** What an operator gives a key: a tier, limits of its own, scopes, and how far people must confirm what it does. */
import { Schema } from "effect"

const tiers = Array.from({ length: 32 }, (_, below) => String(below + 1))

/** A plan by name: `unlimited` is what this host can carry, `free` a taste, 1 to 32 are paid. */
export const Tier = Schema.String.pipe(Schema.filter((text) => ["unlimited", "free", ...tiers].includes(text)))
export type Tier = typeof Tier.Type

/** What a key may be used for at all. The list only grows. */
export const Scope = Schema.Literal("execute", "sessions", "services", "snapshots", "images", "semitrusted")
export type Scope = typeof Scope.Type
export const scopes = Scope.literals

const limit = Schema.NullOr(Schema.NonNegativeInt)

/** A number replaces the tier's, null does not; a parent's still bound it. */
export const Limits = Schema.Struct({
  /** Requests that begin work, a minute, and at once. */
  rpm: limit,
  burst: limit,
  /** Executions, sessions, running services and boosts share these. */
  concurrency: limit,
  vcpu: limit,
  ttlSeconds: limit,
  services: limit,
  snapshots: limit,
  images: limit,
  /** Of snapshots and images together; roots have a bound each. */
  keptBytes: limit
})
export type Limits = typeof Limits.Type

export const noLimits: Limits = {
  ...{ rpm: null, burst: null, concurrency: null, vcpu: null, ttlSeconds: null },
  ...{ services: null, snapshots: null, images: null, keptBytes: null }
}

/**
 * Which calls wait for a person: `on`, what destroys or unlocks services, snapshots and images; `always`, also what ends
 * sessions, transfers, redeploys and empties vaults; `off`, none, for unattended automation.
 */
export const Confirm = Schema.Literal("on", "off", "always")
export type Confirm = typeof Confirm.Type

export const Grants = Schema.Struct({ tier: Tier, limits: Limits, scopes: Schema.Array(Scope) })
export type Grants = typeof Grants.Type
