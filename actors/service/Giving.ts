/**
 * The child keys that services hold: made before the service is, told to its programs alone, revoked with it.
 *
 * A service that is recorded finds its key made, however the server ended in between. A key whose service never came
 * to be is known to nobody, since only a sealed container is told its secret; it is revoked before requests are taken.
 */
import { Effect, Either, Option } from "effect"
import type { ServiceId } from "../../events/Ids.js"
import { enforce, type Refused } from "../../src/guards/Guard.js"
import { Refusals } from "../../src/guards/Refusals.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import { type KeyRecord, KeyTable } from "../../src/projections/KeyTable.js"
import { ServiceTable } from "../../src/projections/ServiceTable.js"
import { StoreUnavailable } from "../../src/store/Blobs.js"
import { Keys, type Wanted } from "../key/Keys.js"
import type { Claim, Claimed } from "../pool/Pools.js"
import * as Releasing from "./Releasing.js"
import type { Vault } from "./Vault.js"

type Environment = Readonly<Record<string, string>>

const BY = "services"

export interface Giving {
  /** Nothing where none is wanted. */
  readonly give: (
    of: Releasing.Of,
    name: string,
    wanted: Wanted | undefined
  ) => Effect.Effect<void, Refused | LogUnavailable | StoreUnavailable>
  /** Resolves when no key of the service is good any more; doing it again is fine. */
  readonly take: (service: ServiceId, why: string) => Effect.Effect<void, LogUnavailable | Refused>
  /** Those of services that never came to be, or are no more; to be run before any is made. */
  readonly orphans: Effect.Effect<void, LogUnavailable | Refused>
  /** A vault that releases the pair with the variables. Its owner is never shown it. */
  readonly beside: (vault: Vault) => Vault
}

export const make = Effect.gen(function* () {
  const keys = yield* Keys
  const table = yield* KeyTable
  const services = yield* ServiceTable
  const refusals = yield* Refusals
  const judge = yield* Releasing.make

  const give: Giving["give"] = ({ owner, service }, name, wanted) => {
    if (wanted === undefined) return Effect.void
    const order = { label: `service ${name}`, parent: owner, grants: wanted, givenTo: service }
    return keys.create(order, owner).pipe(
      Effect.asVoid,
      Effect.catchTag("Refused", (refused) =>
        enforce(Either.left(refused), { principal: owner, action: `make a child key for ${service}` })
      ),
      Effect.provideService(Refusals, refusals)
    )
  }

  const revoke = (given: ReadonlyArray<KeyRecord>, why: string) =>
    Effect.forEach(given, ({ key }) => keys.revoke(key, why, BY), { discard: true })

  const take: Giving["take"] = (service, why) => Effect.flatMap(table.given(service), (given) => revoke(given, why))

  const isGone = ({ givenTo }: KeyRecord) =>
    givenTo === null
      ? Effect.succeed(false)
      : Effect.map(services.find(givenTo), (found) => Option.isNone(found) || found.value.ended !== null)

  const orphans = Effect.flatMap(Effect.flatMap(table.given(), Effect.filter(isGone)), (gone) =>
    revoke(gone, "its service is not there")
  )

  const given = (service: ServiceId) =>
    Effect.mapError(table.given(service), ({ reason }) => new StoreUnavailable({ reason }))

  const pairOf = (
    of: Releasing.Of,
    claim: Claim,
    claimed: Claimed
  ): Effect.Effect<Environment, Refused | StoreUnavailable> =>
    Effect.gen(function* () {
      const [record] = yield* given(of.service)
      if (record === undefined) return {}
      const { givenTo, key, parent } = record
      const secret = yield* keys.secretOf(key)
      const authentic = givenTo === of.service && parent === of.owner && Option.isSome(secret)
      yield* judge(of, authentic, { claim, claimed }, `hand ${key} to ${of.service}`)
      return { UNSANDBOX_PUBLIC_KEY: key, UNSANDBOX_SECRET_KEY: Option.getOrElse(secret, () => "") }
    })

  const beside: Giving["beside"] = (vault) => ({
    ...vault,
    release: (of, claim, claimed) =>
      Effect.zipWith(vault.release(of, claim, claimed), pairOf(of, claim, claimed), (released, pair) => ({
        ...released,
        env: { ...released.env, ...pair }
      }))
  })

  return { give, take, orphans, beside } satisfies Giving
})
