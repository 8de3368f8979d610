/** A service's environment variables, sealed at rest under its owner's and its own name; opened only for a sealed container. */
import { Effect, Option, Redacted } from "effect"
import type { PublicKey, ServiceId } from "../../events/Ids.js"
import { enforce, type Refused } from "../../src/guards/Guard.js"
import { Refusals } from "../../src/guards/Refusals.js"
import { secretsReleasable } from "../../src/guards/SecretsReleasable.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"
import { Secrets } from "../../src/store/Secrets.js"
import type { Claim, Claimed } from "../pool/Pools.js"

export type Variables = Readonly<Record<string, string>>

export interface Of {
  readonly service: ServiceId
  readonly owner: PublicKey
}

/** As the kernel hands an environment over: no name has a `=`, and neither name nor value a NUL. */
const encode = (variables: Variables): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${value}`)
    .join("\0")

const decode = (text: string): Variables =>
  Object.fromEntries(
    text === ""
      ? []
      : text.split("\0").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)])
  )

/** A vault opens only under the name that has its owner in it. */
const nameOf = ({ owner, service }: Of) => `vault/${owner}/${service}`

export interface Vault {
  readonly put: (of: Of, variables: Variables) => Effect.Effect<void, StoreUnavailable>
  readonly remove: (of: Of) => Effect.Effect<void, StoreUnavailable>
  /** For its owner, who has proven to be that. Refuses what is not authentic. */
  readonly show: (of: Of) => Effect.Effect<Variables, Refused | StoreUnavailable>
  /** D24. */
  readonly release: (of: Of, claim: Claim, claimed: Claimed) => Effect.Effect<Variables, Refused | StoreUnavailable>
}

export const make = Effect.gen(function* () {
  const secrets = yield* Secrets
  const refusals = yield* Refusals

  /** Undefined: something is there that is not ours. */
  const open = (of: Of): Effect.Effect<Variables | undefined, StoreUnavailable> =>
    Effect.map(
      Effect.catchTag(secrets.get(nameOf(of)), "Unsealable", () => Effect.succeed(undefined)),
      (found) => {
        if (found === undefined) return undefined
        return Option.match(found, {
          onNone: () => ({}),
          onSome: (text) => decode(Redacted.value(text))
        })
      }
    )

  const judged = (of: Of, variables: Variables | undefined, claim: Claim, { id, sealed }: Claimed) =>
    enforce(
      secretsReleasable.decide({
        resource: of.service,
        authentic: variables !== undefined,
        owner: of.owner,
        container: id,
        claimedFor: claim.claimant._tag === "Service" ? claim.claimant.service : "another kind of thing",
        claimedBy: claim.owner,
        sealed: sealed.facts.container
      }),
      { principal: of.owner, action: `open the vault of ${of.service}` }
    ).pipe(Effect.provideService(Refusals, refusals))

  const unreadable = secretsReleasable.refuse({
    code: "vault_unreadable",
    message: "The vault cannot be opened. Put the variables anew: PUT …/env.",
    status: 503,
    uncertain: true
  })

  return {
    put: (of, variables) => secrets.put(nameOf(of), Redacted.make(encode(variables))),
    remove: (of) => Effect.asVoid(secrets.delete(nameOf(of))),
    show: (of) => Effect.flatMap(open(of), (found) => (found === undefined ? unreadable : Effect.succeed(found))),
    release: (of, claim, claimed) =>
      Effect.flatMap(open(of), (found) => Effect.as(judged(of, found, claim, claimed), found ?? {}))
  } satisfies Vault
})
