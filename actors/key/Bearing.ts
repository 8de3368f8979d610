/** What a key is born with and may be given later: with a parent, no more than that one has. */
import { Clock, type Context, Effect, Either, Option } from "effect"
import { type Confirm, type Grants, noLimits, scopes } from "../../events/Grants.js"
import type { PublicKey } from "../../events/Ids.js"
import type { KeyCreated } from "../../events/Key.js"
import { type Bearing, descentWellformed, grantsOf, stronger, type Wanted } from "../../src/guards/Descent.js"
import { entitlementOf } from "../../src/guards/Entitlement.js"
import type { Refused } from "../../src/guards/Guard.js"
import { keyActive } from "../../src/guards/KeyActive.js"
import { keyKnown } from "../../src/guards/KeyKnown.js"
import { labelWellformed } from "../../src/guards/KeyLabel.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { KeyRecord, KeyTable } from "../../src/projections/KeyTable.js"
import type { Order } from "./Keys.js"

type Table = Context.Tag.Service<KeyTable>
type Answer<A> = Effect.Effect<A, LogUnavailable | Refused>

const unknown = (key: PublicKey) =>
  keyKnown.refuse({ code: "invalid_key", message: `There is no key ${key}.`, status: 404 })

const find = (table: Table, key: PublicKey): Answer<KeyRecord> =>
  Effect.flatMap(table.find(key), Option.match({ onNone: () => unknown(key), onSome: Effect.succeed }))

/** D02 for the one that is to answer for another. */
const inGoodStanding = ({ expiresAt, key, status }: KeyRecord): Effect.Effect<void, Refused> =>
  Effect.flatMap(Clock.currentTimeMillis, (millis) =>
    Either.match(keyActive.decide({ publicKey: key, status, expiresAt, now: Math.floor(millis * 1_000) }), {
      onRight: () => Effect.void,
      onLeft: ({ reason }) => {
        const message = `The parent ${key} is not in good standing, so it has no new children. ${reason.message}`
        return Effect.fail(keyActive.refuse({ ...reason, code: `parent_${reason.code}`, message }))
      }
    })
  )

const bearing = (parent: KeyRecord): Bearing => ({
  ...{ key: parent.key, tier: parent.tier, generation: parent.generation, expiresAt: parent.expiresAt },
  has: entitlementOf(parent)
})

const within = (parent: KeyRecord, wanted: Wanted, expiresAt: number | null): Effect.Effect<void, Refused> =>
  Effect.asVoid(descentWellformed.decide({ parent: bearing(parent), wanted, expiresAt }))

const first: Grants = { tier: "unlimited", limits: noLimits, scopes }

/** `confirm`: what new keys get here. */
export const birth = (
  table: Table,
  { confirm: said, expiresAt = null, givenTo = null, grants = {}, label, parent: named = null }: Order,
  confirm: Confirm
): Answer<Omit<KeyCreated, "_tag" | "key">> =>
  Effect.gen(function* () {
    yield* labelWellformed.decide({ label })
    const of = { label, expiresAt, givenTo }
    if (named === null)
      return { ...of, ...grantsOf(grants, first), parent: null, generation: 0, confirm: said ?? confirm }
    const parent = yield* find(table, named)
    yield* inGoodStanding(parent)
    yield* within(parent, grants, expiresAt)
    const usual: Grants = { tier: parent.tier, limits: noLimits, scopes: [...entitlementOf(parent).scopes] }
    return {
      ...{ ...of, ...grantsOf(grants, usual), parent: parent.key, generation: parent.generation + 1 },
      confirm: said ?? stronger(confirm, parent.confirm)
    }
  })

/** All that it has from now on. */
export const granted = (table: Table, key: PublicKey, wanted: Wanted): Answer<Grants> =>
  Effect.gen(function* () {
    const record = yield* find(table, key)
    const [parent] = record.line
    if (parent !== undefined) yield* within(parent, wanted, null)
    return grantsOf(wanted, record)
  })

export const mayLast = (table: Table, key: PublicKey, expiresAt: number | null): Answer<void> =>
  Effect.gen(function* () {
    const [parent] = (yield* find(table, key)).line
    if (parent !== undefined) yield* within(parent, {}, expiresAt)
  })

export const isRevoked = (table: Table, key: PublicKey): Effect.Effect<boolean, LogUnavailable> =>
  Effect.map(table.find(key), (found) => Option.isSome(found) && found.value.status === "revoked")
