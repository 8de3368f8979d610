/** The plans, as data: what each tier includes, before limits of the key's own and of its forebears narrow it. */
import { type Scope, scopes, type Tier } from "../../events/Grants.js"

export interface Plan {
  /** For clients, who expect a number; 0 is none that is sold. */
  readonly number: number
  /** Requests that begin work: so many a minute; and so many at once. */
  readonly rpm: number
  readonly burst: number
  /** Executions, sessions, running services and boosts share these. */
  readonly concurrency: number
  readonly vcpu: number
  readonly ttlSeconds: number
  readonly services: number
  readonly snapshots: number
  readonly images: number
  /** Of snapshots and images together; roots have a bound each. */
  readonly keptBytes: number
  readonly scopes: ReadonlyArray<Scope>
}

const GIB = 2 ** 30
const LONGEST_TTL = 900

/** One request in 42 seconds. */
const free: Plan = {
  ...{ number: 0, rpm: 60 / 42, burst: 1, concurrency: 1, vcpu: 1, ttlSeconds: LONGEST_TTL },
  ...{ services: 0, snapshots: 0, images: 0, keptBytes: 0, scopes: ["execute"] }
}

/** More than a host can do: what bounds it is the host. */
const unlimited: Plan = {
  ...{ number: 0, rpm: 600_000, burst: 100_000, concurrency: 100_000, vcpu: 8, ttlSeconds: LONGEST_TTL },
  ...{ services: 100_000, snapshots: 100_000, images: 100_000, keptBytes: Number.MAX_SAFE_INTEGER, scopes }
}

const paid = (tier: number): Plan => {
  const concurrency = Math.floor((tier - 1) / 4) + 1
  return {
    ...{ number: tier, rpm: 7 * tier, burst: 7 * tier, concurrency, vcpu: Math.min(8, concurrency) },
    ...{ ttlSeconds: LONGEST_TTL, services: 4 * tier, snapshots: 16 * tier, images: 8 * tier },
    ...{ keptBytes: 8 * GIB * tier, scopes }
  }
}

/** Undefined: no such tier. */
export const planOf = (tier: Tier): Plan | undefined => {
  if (tier === "unlimited") return unlimited
  if (tier === "free") return free
  return /^([1-9]|[12]\d|3[0-2])$/.test(tier) ? paid(Number(tier)) : undefined
}
