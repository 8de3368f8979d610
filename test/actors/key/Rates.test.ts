/** Verifies: a key's rate is its own and its forebears', survives any end of the server, and costs no write a request. */
import { Effect, Layer } from "effect"
import { describe, expect } from "vitest"
import { Rates } from "../../../actors/key/Rates.js"
import * as RatesLive from "../../../actors/key/RatesLive.js"
import { noLimits } from "../../../events/Grants.js"
import { FURTHEST_MICROS, rateWithin } from "../../../src/guards/RateWithin.js"
import * as TrustedClock from "../../../src/guards/TrustedClock.js"
import type { KeyRecord } from "../../../src/projections/KeyTable.js"
import { StoreUnavailable } from "../../../src/store/Blobs.js"
import { RateLedger } from "../../../src/store/RateLedger.js"
import { live } from "../../support/it.js"
import { unlimited } from "../../support/slots.js"
import { directory, storageIn } from "../../support/storage.js"

const KEY = "unsb-pk-test-0000-0000-aaaa"
const OTHER = "unsb-pk-test-0000-0000-bbbb"
const START = 1_800_000_000_000

const limited = (rpm: number, burst: number, key = KEY, line: ReadonlyArray<KeyRecord> = []): KeyRecord => ({
  ...unlimited(key),
  limits: { ...noLimits, rpm, burst },
  line
})

/** So many milliseconds after the start, by clocks that agree. */
const clockAt = (millis: number): TrustedClock.TrustedClock =>
  TrustedClock.start({ wall: START + millis, monotonic: millis })

/** How often the ledger is written to. */
class Writes {
  count = 0
  readonly layer = Layer.effect(
    RateLedger,
    Effect.map(RateLedger, (ledger) =>
      RateLedger.of({
        read: ledger.read,
        reserve: (reserved, now) =>
          Effect.suspend(() => {
            this.count += 1
            return ledger.reserve(reserved, now)
          })
      })
    )
  )
}

/** One life of a server on that directory. */
const inLife = <A, E>(
  data: string,
  body: (rates: typeof Rates.Service) => Effect.Effect<A, E>,
  writes = new Writes()
) =>
  Effect.flatMap(Rates, body).pipe(
    Effect.provide(RatesLive.layer),
    Effect.provide(Layer.provideMerge(writes.layer, storageIn(data))),
    Effect.scoped
  )

const times = (rates: typeof Rates.Service, record: KeyRecord, count: number, millis = 0) =>
  Effect.map(
    Effect.forEach(Array.from({ length: count }), () => rates.charge(record, clockAt(millis))),
    (all) => all.filter(({ allowed }) => allowed).length
  )

describe("a key's rate", () => {
  live("is its burst, and then one at a time", () =>
    Effect.flatMap(directory, (data) =>
      inLife(data, (rates) =>
        Effect.gen(function* () {
          const record = limited(60, 3)
          const first = yield* rates.charge(record, clockAt(0))
          expect(first).toMatchObject({ rpm: 60, burst: 3, remaining: 2, allowed: true, shared: false, retryAfter: 0 })
          expect(first.resetAt).toBe((START + 1_000) * 1_000)
          expect(yield* times(rates, record, 5)).toBe(2)
          const refused = yield* rates.charge(record, clockAt(400))
          expect(refused).toMatchObject({ allowed: false, remaining: 0, retryAfter: 600_000 })
          expect(yield* rates.look(record, clockAt(400))).toMatchObject({ remaining: 0 })
          expect(yield* times(rates, record, 2, 1_000)).toBe(1)
          expect((yield* rates.look(record, clockAt(10_000))).remaining).toBe(3)
        })
      )
    )
  )

  live("is not its child's to multiply, and of those that are refused none is charged", () =>
    Effect.flatMap(directory, (data) =>
      inLife(data, (rates) =>
        Effect.gen(function* () {
          const parent = limited(60, 5, OTHER)
          const [child, sibling] = [limited(60, 3, KEY, [parent]), limited(60, 5, `${KEY}x`, [parent])]
          expect(yield* times(rates, child, 5)).toBe(3)
          // Two more attempts of the child were refused: they took nothing from its parent.
          expect(yield* times(rates, sibling, 5)).toBe(2)
          expect(yield* rates.charge(sibling, clockAt(0))).toMatchObject({
            allowed: false,
            shared: true,
            publicKey: OTHER
          })
          expect(yield* rates.charge(parent, clockAt(0))).toMatchObject({ allowed: false, shared: false })
          expect((yield* rates.look(child, clockAt(1_000))).remaining).toBe(1)
        })
      )
    )
  )

  live("is remembered by the next server, however the last one ended", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const record = limited(1, 3)
      yield* inLife(data, (rates) => Effect.map(times(rates, record, 3), (count) => expect(count).toBe(3)))
      yield* inLife(data, (rates) =>
        Effect.gen(function* () {
          expect(yield* times(rates, record, 1, 59_000)).toBe(0)
          expect(yield* times(rates, record, 2, 60_000)).toBe(1)
        })
      )
    })
  )

  live("is never more than it was, for whatever was let through before an end", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const record = limited(6_000, 100)
      let granted = 0
      for (let life = 0; life < 4; life += 1)
        yield* inLife(data, (rates) =>
          Effect.map(times(rates, record, 60, life * 10), (count) => {
            granted += count
          })
        )
      expect(granted).toBeGreaterThanOrEqual(60)
      expect(granted).toBeLessThanOrEqual(103)
    })
  )

  live("costs a write now and then, not one a request", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const writes = new Writes()
      const record = unlimited(KEY)
      yield* inLife(
        data,
        (rates) =>
          Effect.forEach(Array.from({ length: 5_000 }), (_, index) => rates.charge(record, clockAt(index)), {
            discard: true
          }),
        writes
      )
      expect(writes.count).toBeLessThanOrEqual(6)
    })
  )

  live("is made durable before a request passes, or the request does not pass", () =>
    Effect.gen(function* () {
      const broken = Layer.succeed(
        RateLedger,
        RateLedger.of({
          read: () => Effect.succeed(undefined),
          reserve: () => new StoreUnavailable({ reason: "the disk is full" })
        })
      )
      const charged = Effect.flatMap(Rates, (rates) => rates.charge(limited(60, 3), clockAt(0)))
      const failed = yield* Effect.flip(Effect.provide(charged, Layer.provide(RatesLive.layer, broken)))
      expect(failed._tag).toBe("StoreUnavailable")
    })
  )

  live("changes with what its key may have, and upgrades do not wait for the old one", () =>
    Effect.flatMap(directory, (data) =>
      inLife(data, (rates) =>
        Effect.gen(function* () {
          expect(yield* times(rates, limited(1, 1), 2)).toBe(1)
          // What was used up counts as all of the new burst, and not as the minute that it was.
          expect(yield* times(rates, limited(600, 10), 1, 1_100)).toBe(0)
          expect(yield* times(rates, limited(600, 10), 20, 1_250)).toBe(1)
          expect(yield* times(rates, limited(1, 1), 1, 2_000)).toBe(0)
        })
      )
    )
  )

  live("is uncertain when a clock was set, or what is known of it lies too far ahead", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const record = limited(60, 3)
      yield* inLife(data, (rates) =>
        Effect.gen(function* () {
          const jumped = TrustedClock.observe(clockAt(0), { wall: START + 3_600_000, monotonic: 10 })
          const doubted = rateWithin.decide(yield* rates.charge(record, jumped))
          expect(doubted).toMatchObject({
            left: { point: "D06", certainty: "uncertain", reason: { status: 503 } }
          })
          // Nothing was charged.
          expect((yield* rates.look(record, clockAt(0))).remaining).toBe(3)
        })
      )
      const early = TrustedClock.start({ wall: START - FURTHEST_MICROS / 1_000 - 10_000, monotonic: 0 })
      yield* inLife(data, (rates) => times(rates, record, 3))
      yield* inLife(data, (rates) =>
        Effect.gen(function* () {
          const doubted = rateWithin.decide(yield* rates.charge(record, early))
          expect(doubted).toMatchObject({ left: { certainty: "uncertain" } })
          expect(yield* times(rates, record, 3, 60_000)).toBe(3)
        })
      )
    })
  )

  live("is forgotten in memory when there are too many, and never in its favour", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const small = Layer.effect(Rates, RatesLive.make(4)).pipe(Layer.provide(storageIn(data)))
      const all = Array.from({ length: 20 }, (_, index) => limited(60, 2, `unsb-pk-test-0000-0000-${1_000 + index}`))
      const granted = Effect.flatMap(Rates, (rates) =>
        Effect.map(
          Effect.forEach([...all, ...all, ...all], (record) => times(rates, record, 1)),
          (counts) => counts.reduce((sum, count) => sum + count, 0)
        )
      )
      expect(yield* Effect.provide(granted, small)).toBe(40)
    })
  )
})
