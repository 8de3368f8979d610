/** Whose programs are evicted or held, and what the log is told of why: keys over a real log and store. */
import { Deferred, Effect, Layer, Option, TestClock, TestContext } from "effect"
import { describe, expect } from "vitest"
import * as Evicting from "../../../actors/key/Evicting.js"
import * as Holding from "../../../actors/key/Holding.js"
import { Keys } from "../../../actors/key/Keys.js"
import * as KeysLive from "../../../actors/key/KeysLive.js"
import type { Hold } from "../../../events/Hold.js"
import { PublicKey, SessionId } from "../../../events/Ids.js"
import { type KeyRecord, KeyTable } from "../../../src/projections/KeyTable.js"
import * as Projections from "../../../src/projections/Projections.js"
import { live } from "../../support/it.js"
import { unlimited } from "../../support/slots.js"
import { directory, storageIn } from "../../support/storage.js"

const BY = "operator"

const inKeys = <A, E>(body: Effect.Effect<A, E, Keys | KeyTable>) =>
  Effect.flatMap(directory, (data) => {
    const { layer, projectors } = Projections.make()
    const stored = Layer.provideMerge(layer, storageIn(data, projectors))
    return Effect.provide(body, Layer.provideMerge(KeysLive.layer({ confirm: "off" }), stored))
  })

const make = (parent: PublicKey | null = null) =>
  Effect.flatMap(Keys, (keys) => Effect.map(keys.create({ label: "", parent }, BY), ({ publicKey }) => publicKey))

const family = Effect.gen(function* () {
  const first = yield* make()
  const child = yield* make(first)
  return { first, child, grandchild: yield* make(child), other: yield* make() }
})

/** One look at all of them: those that are evicted, and why. */
const evicted = (...owners: ReadonlyArray<PublicKey>) =>
  Effect.gen(function* () {
    const told = new Map<PublicKey, string>()
    const again = yield* Deferred.make<void>()
    // Whatever is done about the first comes before there is a second.
    const looks = [Effect.succeed(new Set(owners)), Effect.zipRight(Deferred.succeed(again, undefined), Effect.never)]
    const looked = Effect.suspend(() => looks.shift() ?? Effect.never)
    const evict = (owner: PublicKey, reason: string) => Effect.sync(() => void told.set(owner, reason))
    yield* Effect.forkScoped(yield* Evicting.make({ owners: looked, evict }))
    yield* TestClock.adjust("5 seconds")
    yield* Deferred.await(again)
    return Object.fromEntries(told)
  }).pipe(Effect.scoped, Effect.provide(TestContext.TestContext))

describe("what a key's programs are evicted for", () => {
  live("names the key, and the one of its line that an operator has suspended or revoked", () =>
    inKeys(
      Effect.gen(function* () {
        const keys = yield* Keys
        const { child, first, grandchild, other } = yield* family
        const all = [first, child, grandchild, other]
        expect(yield* evicted(...all)).toEqual({})
        yield* keys.suspend(child, "late", BY)
        expect(yield* evicted(...all)).toEqual({
          [child]: `its key ${child} is suspended`,
          [grandchild]: `its key ${grandchild} descends from ${child}, which is suspended`
        })
        yield* keys.suspend(first, "later", BY)
        expect((yield* evicted(...all))[grandchild]).toBe(
          `its key ${grandchild} descends from ${first}, which is suspended`
        )
        yield* keys.resume(first, BY)
        yield* keys.resume(child, BY)
        yield* keys.revoke(child, "gone", BY)
        // Each of its descendants is revoked with it, by name.
        expect(Object.values(yield* evicted(...all))).toEqual(
          [child, grandchild].map((key) => expect.stringContaining(`its key ${key} `))
        )
      })
    )
  )

  live("is nothing that is in doubt, wherever in its line that is", () =>
    Effect.gen(function* () {
      const key = (n: number) => PublicKey.make(`unsb-pk-test-0000-0000-000${n}`)
      const [one, parent, gone] = [key(1), key(2), key(3)]
      const status = "revoked" as const
      // As they are read when the first of the line is not there.
      const orphan: KeyRecord = { ...unlimited(parent), parent: gone, status }
      const below: KeyRecord = { ...unlimited(one), parent, status, line: [orphan] }
      const records = new Map([orphan, below].map((record) => [String(record.key), record]))
      const find = (key: string) => Effect.succeed(Option.fromNullable(records.get(key)))
      const table = {
        find,
        list: Effect.succeed([]),
        family: () => Effect.succeed([]),
        given: () => Effect.succeed([])
      }
      const look = (...keys: ReadonlyArray<PublicKey>) => Effect.provideService(evicted(...keys), KeyTable, table)
      expect(yield* look(one, parent, gone)).toEqual({})
      records.set(parent, { ...orphan, parent: null })
      records.set(one, { ...below, line: [{ ...orphan, parent: null }] })
      expect(Object.keys(yield* look(one, parent, gone))).toEqual([one, parent])
    })
  )
})

describe("what a key's sessions are held for", () => {
  const session = SessionId.make(`unsb-session-${"0".repeat(32)}`)

  const held = (owner: PublicKey) =>
    Effect.gen(function* () {
      const told = yield* Deferred.make<Hold>()
      const watching = yield* Holding.make({
        running: Effect.succeed([session]),
        ownerOf: () => Effect.succeedSome(owner),
        hold: (_, hold) => Deferred.succeed(told, hold)
      })
      yield* Effect.forkScoped(watching)
      return yield* Deferred.await(told)
    }).pipe(Effect.scoped)

  live("names the one of its line that it is about, where that is not its own", () =>
    inKeys(
      Effect.gen(function* () {
        const keys = yield* Keys
        const { child, first, grandchild } = yield* family
        yield* keys.suspend(child, "late", BY)
        const then = "When the operator has resumed that key, unfreeze it."
        expect(yield* held(child)).toEqual({ cause: "key", reason: `Its key is suspended. ${then}` })
        const below = `${child}, from which its key descends, is suspended. ${then}`
        expect(yield* held(grandchild)).toEqual({ cause: "key", reason: below })
        yield* keys.resume(child, BY)
        yield* keys.extend(first, 1, BY)
        expect((yield* held(grandchild)).reason).toContain(`${first}, from which its key descends, has expired.`)
      })
    )
  )

  live("is nothing when its key is not there, which proves nothing", () =>
    inKeys(
      Effect.gen(function* () {
        const keys = yield* Keys
        const { other } = yield* family
        yield* keys.suspend(other, "late", BY)
        const [lost, late] = [session, SessionId.make(`unsb-session-${"1".repeat(32)}`)]
        const told: Array<string> = []
        const over = yield* Deferred.make<void>()
        const watching = yield* Holding.make({
          // In this order.
          running: Effect.succeed([lost, late]),
          ownerOf: (id) => Effect.succeedSome(id === late ? other : "unsb-pk-test-0000-0000-0009"),
          hold: (id) =>
            Effect.zipRight(
              Effect.sync(() => told.push(id)),
              Deferred.succeed(over, undefined)
            )
        })
        yield* Effect.forkScoped(watching)
        yield* Deferred.await(over)
        expect(told).toEqual([late])
      }).pipe(Effect.scoped)
    )
  )
})
