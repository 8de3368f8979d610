/** D24 for a service: what is secret of it goes into its own sealed container, claimed for its owner, and nowhere else. */
import { Effect } from "effect"
import type { PublicKey, ServiceId } from "../../events/Ids.js"
import { enforce, type Permit, type Refused } from "../../src/guards/Guard.js"
import { Refusals } from "../../src/guards/Refusals.js"
import { type Release, secretsReleasable } from "../../src/guards/SecretsReleasable.js"
import type { Claim, Claimed } from "../pool/Pools.js"

export interface Of {
  readonly service: ServiceId
  readonly owner: PublicKey
}

interface Into {
  readonly claim: Claim
  readonly claimed: Claimed
}

/** `doing` is told with a refusal, in the words of the log. */
type Releasing = (
  of: Of,
  authentic: boolean,
  into: Into,
  doing: string
) => Effect.Effect<Permit<"D24", Release>, Refused>

export const make = Effect.map(
  Refusals,
  (refusals): Releasing =>
    ({ owner, service }, authentic, { claim, claimed: { id, sealed } }, doing) =>
      enforce(
        secretsReleasable.decide({
          resource: service,
          authentic,
          owner,
          container: id,
          claimedFor: claim.claimant._tag === "Service" ? claim.claimant.service : "another kind of thing",
          claimedBy: claim.owner,
          sealed: sealed.facts.container
        }),
        { principal: owner, action: doing }
      ).pipe(Effect.provideService(Refusals, refusals))
)
