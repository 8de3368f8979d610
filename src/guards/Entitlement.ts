/** What a key may have: its tier with its own limits, and never more than any of its forebears. */
import type { Grants, Scope } from "../../events/Grants.js"
import { type Plan, planOf } from "./Tiers.js"

export interface Entitlement extends Omit<Plan, "scopes"> {
  readonly scopes: ReadonlySet<Scope>
}

export interface Entitled extends Grants {
  /** Parent first. */
  readonly line: ReadonlyArray<Grants>
}

const quantities = [
  ...(["rpm", "burst", "concurrency", "vcpu", "ttlSeconds"] as const),
  ...(["services", "snapshots", "images", "keptBytes"] as const)
] as const

/** A tier that nobody knows includes nothing. */
const nothing: Plan = {
  ...{ number: 0, rpm: 0, burst: 0, concurrency: 0, vcpu: 0, ttlSeconds: 0 },
  ...{ services: 0, snapshots: 0, images: 0, keptBytes: 0, scopes: [] }
}

const own = ({ limits, scopes, tier }: Grants): Entitlement => {
  const plan = planOf(tier) ?? nothing
  const numbers = Object.fromEntries(quantities.map((name) => [name, limits[name] ?? plan[name]]))
  return { ...plan, ...numbers, scopes: new Set(plan.scopes.filter((scope) => scopes.includes(scope))) }
}

const narrower = (one: Entitlement, other: Entitlement): Entitlement => {
  const numbers = Object.fromEntries(quantities.map((name) => [name, Math.min(one[name], other[name])]))
  return { ...one, ...numbers, scopes: new Set([...one.scopes].filter((scope) => other.scopes.has(scope))) }
}

const known = new WeakMap<Entitled, Entitlement>()

/** Made once a record: each request asks for it. */
export const entitlementOf = (entitled: Entitled): Entitlement => {
  const before = known.get(entitled)
  if (before !== undefined) return before
  const found = entitled.line.map(own).reduce(narrower, own(entitled))
  known.set(entitled, found)
  return found
}
