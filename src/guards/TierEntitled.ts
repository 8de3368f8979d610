/** D08: does the key's tier, with its own limits and its forebears', include what is asked for? */
import { Either } from "effect"
import { type Scope, scopes } from "../../events/Grants.js"
import { type Entitled, entitlementOf } from "./Entitlement.js"
import { list, natural, oneOf, text } from "./Fact.js"
import { Permit, type Reason, type Refused } from "./Guard.js"

export interface Entitling {
  readonly publicKey: string
  readonly tier: string
  /** What it may be used for. */
  readonly scopes: ReadonlyArray<string>
  /** What this is. */
  readonly scope: string
  readonly vcpu: number
  readonly mostVcpu: number
  /** Of the program; 0 where there is none. */
  readonly ttlSeconds: number
  readonly mostTtlSeconds: number
}

const scope = oneOf(...scopes)

const names: Readonly<Record<string, string>> = {
  execute: "Running programs is",
  sessions: "Sessions are",
  services: "Services are",
  snapshots: "Snapshots are",
  images: "Images are",
  semitrusted: "The semitrusted network is"
}

const forbidden = (what: string, tier: string, details: Reason["details"]): Reason => ({
  code: "tier_limit",
  message: `${what} (tier ${tier}). Use another key, or ask the operator of this server for more.`,
  status: 403,
  ...(details === undefined ? {} : { details })
})

const rule = (asked: Entitling): true | Reason => {
  const { mostTtlSeconds, mostVcpu, tier, ttlSeconds, vcpu } = asked
  if (!asked.scopes.includes(asked.scope))
    return forbidden(`${names[asked.scope] ?? "This is"} not available for this key`, tier, { scope: asked.scope })
  if (vcpu > mostVcpu)
    return forbidden(`This key may use ${mostVcpu} vCPU, not ${vcpu}`, tier, { vcpu, most_vcpu: mostVcpu })
  if (ttlSeconds > mostTtlSeconds)
    return forbidden(`This key's programs may take ${mostTtlSeconds} s, not ${ttlSeconds}`, tier, {
      ttl: ttlSeconds,
      most_ttl: mostTtlSeconds
    })
  return true
}

export const tierEntitled = Permit.guard("D08", {
  name: "tier-entitled",
  claim: "the key's tier includes what is asked for",
  known: {
    publicKey: text,
    tier: text,
    scopes: list(scope),
    scope,
    vcpu: natural,
    mostVcpu: natural,
    ttlSeconds: natural,
    mostTtlSeconds: natural
  },
  rule
})

/** What somebody wants of their key. */
export interface Wish {
  readonly scope: Scope
  readonly vcpu?: number | undefined
  /** Of a program; sessions and services have no such bound. */
  readonly ttlMillis?: number | undefined
  readonly network?: string | undefined
}

/** Whether the key may have all of it. */
export const entitles = (
  { network, scope, ttlMillis = 0, vcpu = 0 }: Wish,
  key: Entitled & { readonly key: string }
): Either.Either<Permit<"D08", Entitling>, Refused> => {
  const { scopes: had, ttlSeconds: mostTtlSeconds, vcpu: mostVcpu } = entitlementOf(key)
  const of = { publicKey: key.key, tier: key.tier, scopes: [...had], mostVcpu, mostTtlSeconds }
  const asked = tierEntitled.decide({ ...of, scope, vcpu, ttlSeconds: Math.ceil(ttlMillis / 1_000) })
  if (network !== "semitrusted" || Either.isLeft(asked)) return asked
  return Either.flatMap(tierEntitled.decide({ ...of, scope: network, vcpu: 0, ttlSeconds: 0 }), () => asked)
}
