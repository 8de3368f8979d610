/** Keys with parents, over a real log and store. */
import { Effect, Layer, Option } from "effect"
import { describe, expect } from "vitest"
import { Keys, type Order } from "../../../actors/key/Keys.js"
import * as KeysLive from "../../../actors/key/KeysLive.js"
import { type Confirm, noLimits, type Scope } from "../../../events/Grants.js"
import { PublicKey } from "../../../events/Ids.js"
import { GENERATIONS } from "../../../src/guards/Descent.js"
import { entitlementOf } from "../../../src/guards/Entitlement.js"
import { EventLog } from "../../../src/log/EventLog.js"
import { KeyTable } from "../../../src/projections/KeyTable.js"
import * as Projections from "../../../src/projections/Projections.js"
import { live } from "../../support/it.js"
import { directory, storageIn } from "../../support/storage.js"
import { Faults } from "../Faults.js"

const BY = "operator"

const inKeys = <A, E>(
  body: Effect.Effect<A, E, Keys | KeyTable | EventLog>,
  faults = new Faults(),
  confirm: Confirm = "on"
) =>
  Effect.flatMap(directory, (data) => {
    const { layer, projectors } = Projections.make()
    const stored = Layer.provideMerge(faults.layer, Layer.provideMerge(layer, storageIn(data, projectors)))
    return Effect.provide(body, Layer.provideMerge(KeysLive.layer({ confirm }), stored))
  })

const make = (order: Partial<Order> = {}) =>
  Effect.flatMap(Keys, (keys) => Effect.map(keys.create({ label: "", ...order }, BY), ({ publicKey }) => publicKey))

const record = (key: PublicKey) => Effect.flatMap(KeyTable, (table) => Effect.map(table.find(key), Option.getOrThrow))

const refused = (order: Partial<Order>) =>
  Effect.map(Effect.flip(make(order)), (error) => (error._tag === "Refused" ? error.reason : error))

const revocations = Effect.gen(function* () {
  const rows = yield* (yield* EventLog).page(0, 1_000)
  return rows.filter(({ type }) => type === "KeyRevoked").map(({ stream }) => stream)
})

/** One below the other; the first is nobody's child. */
const line = (length: number) =>
  Effect.gen(function* () {
    const all = [yield* make()]
    for (let n = 1; n < length; n++) all.push(yield* make({ parent: all.at(-1) ?? null }))
    return all
  })

describe("a label", () => {
  live("has 200 characters at most, whatever they are", () =>
    inKeys(
      Effect.gen(function* () {
        for (const label of ["a".repeat(200), "\u{1f600}".repeat(200)])
          expect((yield* record(yield* make({ label }))).label).toBe(label)
        for (const label of ["a".repeat(201), "\u{1f600}".repeat(201), "a".repeat(100_000)])
          expect(yield* refused({ label })).toMatchObject({
            ...{ code: "invalid_parameter", status: 400, message: expect.stringContaining("200 characters") },
            details: { field: "label" }
          })
        expect(yield* (yield* Keys).list).toHaveLength(2)
      })
    )
  )
})

describe("a child key", () => {
  live("has a number, a secret of its own, and what its parent has", () =>
    inKeys(
      Effect.gen(function* () {
        const keys = yield* Keys
        const parent = yield* make({ grants: { tier: "9", limits: { rpm: 7 }, scopes: ["execute", "sessions"] } })
        const child = yield* make({ parent })
        const found = yield* record(child)
        expect(found).toMatchObject({ parent, generation: 1, tier: "9", limits: noLimits, status: "active" })
        expect(entitlementOf(found)).toMatchObject({ rpm: 7, concurrency: 3 })
        expect([...entitlementOf(found).scopes]).toEqual(["execute", "sessions"])
        const [one, other] = [yield* keys.secretOf(parent), yield* keys.secretOf(child)]
        expect(Option.isSome(one) && Option.isSome(other) && one.value !== other.value).toBe(true)
      })
    )
  )

  live("is refused what its parent has not, by name", () =>
    inKeys(
      Effect.gen(function* () {
        const expiresAt = Date.UTC(2100, 0, 1) * 1_000
        const scopes: ReadonlyArray<Scope> = ["execute"]
        const parent = yield* make({ expiresAt, grants: { tier: "5", limits: { services: 2 }, scopes } })
        const cases: ReadonlyArray<readonly [Partial<Order>, string]> = [
          [{ grants: { tier: "6" } }, "tier"],
          [{ grants: { tier: "unlimited" } }, "tier"],
          [{ grants: { limits: { rpm: 36 } } }, "rpm"],
          [{ grants: { limits: { services: 3 } } }, "services"],
          [{ grants: { scopes: ["execute", "images"] } }, "scopes"],
          [{ expiresAt: expiresAt + 1 }, "expires"]
        ]
        for (const [order, limit] of cases)
          expect(yield* refused({ parent, ...order })).toMatchObject({
            code: "beyond_parent",
            status: 403,
            details: { limit }
          })
        yield* make({ parent, expiresAt, grants: { tier: "5", limits: { rpm: 35, services: 2 }, scopes } })
        expect(yield* (yield* Keys).list).toHaveLength(2)
      })
    )
  )

  live("needs a parent in good standing", () =>
    inKeys(
      Effect.gen(function* () {
        const keys = yield* Keys
        const [suspended, revoked, expired] = [yield* make(), yield* make(), yield* make({ expiresAt: 1 })]
        const below = yield* make({ parent: suspended })
        yield* keys.suspend(suspended, "x", BY)
        yield* keys.revoke(revoked, "x", BY)
        const nobody = PublicKey.make("unsb-pk-none-none-none-none")
        const codes = [suspended, below, revoked, expired, nobody].map((parent) => refused({ parent }))
        expect((yield* Effect.all(codes)).map((reason) => "code" in reason && reason.code)).toEqual([
          ...["parent_suspended", "parent_suspended", "parent_invalid_key", "parent_expired", "invalid_key"]
        ])
      })
    )
  )

  live("has no more than eight above it", () =>
    inKeys(
      Effect.gen(function* () {
        const all = yield* line(GENERATIONS + 1)
        expect((yield* record(all.at(-1) ?? (yield* make()))).generation).toBe(GENERATIONS)
        expect(yield* refused({ parent: all.at(-1) ?? null })).toMatchObject({ code: "line_too_long" })
      })
    )
  )

  live("is asked no less than its parent, unless the operator says so", () =>
    inKeys(
      Effect.gen(function* () {
        const always = yield* make({ confirm: "always" })
        const off = yield* make({ confirm: "off" })
        const modes = [
          yield* make({ parent: always }),
          yield* make({ parent: off }),
          yield* make({ parent: always, confirm: "off" })
        ]
        expect((yield* Effect.forEach(modes, record)).map(({ confirm }) => confirm)).toEqual(["always", "on", "always"])
      })
    )
  )

  live("and every new key is asked what the server says, when nothing is said", () =>
    inKeys(
      Effect.gen(function* () {
        expect((yield* record(yield* make())).confirm).toBe("off")
      }),
      new Faults(),
      "off"
    )
  )

  live("is given no more later, and nothing that its parent loses", () =>
    inKeys(
      Effect.gen(function* () {
        const keys = yield* Keys
        const parent = yield* make({ grants: { tier: "3" } })
        const child = yield* make({ parent, grants: { limits: { rpm: 10 } } })
        expect(yield* Effect.flip(keys.grant(child, { limits: { rpm: 22 } }, BY))).toMatchObject({ _tag: "Refused" })
        yield* keys.grant(child, { limits: { burst: 2 } }, BY)
        expect(entitlementOf(yield* record(child))).toMatchObject({ rpm: 10, burst: 2 })
        yield* keys.grant(child, { limits: { rpm: null } }, BY)
        expect(entitlementOf(yield* record(child))).toMatchObject({ rpm: 21, burst: 2 })
        yield* keys.grant(parent, { tier: "1" }, BY)
        expect(entitlementOf(yield* record(child))).toMatchObject({ rpm: 7, burst: 2 })
        yield* keys.extend(parent, 5, BY)
        expect(yield* Effect.flip(keys.extend(child, 6, BY))).toMatchObject({ _tag: "Refused" })
        expect((yield* record(child)).expiresAt).toBe(5)
      })
    )
  )

  live("is asked what the operator says of it later", () =>
    inKeys(
      Effect.gen(function* () {
        const keys = yield* Keys
        const key = yield* make()
        yield* keys.setConfirm(key, "always", BY)
        expect(yield* record(key)).toMatchObject({ confirm: "always" })
      })
    )
  )
})

describe("a line", () => {
  live("is suspended with its first, and active again with it", () =>
    inKeys(
      Effect.gen(function* () {
        const keys = yield* Keys
        const [first, second, third] = yield* line(3)
        if (first === undefined || second === undefined || third === undefined) return
        yield* keys.suspend(first, "x", BY)
        expect(yield* record(third)).toMatchObject({ status: "suspended" })
        yield* keys.resume(first, BY)
        expect(yield* record(third)).toMatchObject({ status: "active" })
      })
    )
  )

  live("is revoked from where it is cut, and its history says so", () =>
    inKeys(
      Effect.gen(function* () {
        const keys = yield* Keys
        const [first, second, third] = yield* line(3)
        if (first === undefined || second === undefined || third === undefined) return
        const sibling = yield* make({ parent: first })
        yield* keys.revoke(second, "leaked", BY)
        expect(yield* revocations).toEqual([`key/${second}`, `key/${third}`])
        const statuses = yield* Effect.forEach([first, second, third, sibling], record)
        expect(statuses.map(({ status }) => status)).toEqual(["active", "revoked", "revoked", "active"])
      })
    )
  )

  live("holds half-way, and what was left out is revoked when it is asked again", () => {
    const faults = new Faults()
    return inKeys(
      Effect.gen(function* () {
        const keys = yield* Keys
        const [first, second, third] = yield* line(3)
        if (first === undefined || second === undefined || third === undefined) return
        faults.before = (tag) => Effect.sync(() => (tag === "KeyRevoked" ? faults.plan("KeyRevoked", "no") : undefined))
        expect(yield* Effect.flip(keys.revoke(first, "leaked", BY))).toMatchObject({ _tag: "LogUnavailable" })
        faults.before = () => Effect.void
        faults.heal()
        expect(yield* revocations).toEqual([`key/${first}`])
        expect(yield* record(third)).toMatchObject({ status: "revoked" })
        expect(yield* Effect.flip(keys.revoke(first, "leaked", BY))).toMatchObject({
          reason: { code: "illegal_transition" }
        })
        expect(yield* revocations).toEqual([first, second, third].map((key) => `key/${key}`))
      }),
      faults
    )
  })

  live("is not lengthened while it is revoked", () =>
    inKeys(
      Effect.gen(function* () {
        const keys = yield* Keys
        const [first] = yield* line(1)
        if (first === undefined) return
        const made = Array.from({ length: 6 }, () => Effect.either(make({ parent: first })))
        yield* Effect.all([...made, keys.revoke(first, "leaked", BY), ...made], { concurrency: "unbounded" })
        const all = yield* keys.list
        expect((yield* revocations).length).toBe(all.length)
      })
    )
  )
})
