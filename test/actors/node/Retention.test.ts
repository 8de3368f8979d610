import { Clock, Effect, Layer, Option } from "effect"
import { describe, expect } from "vitest"
import * as Retention from "../../../actors/node/Retention.js"
import { EventLog } from "../../../src/log/EventLog.js"
import { Tables } from "../../../src/log/Tables.js"
import { JobTable } from "../../../src/projections/JobTable.js"
import * as Projections from "../../../src/projections/Projections.js"
import * as H from "../../support/history.js"
import { live } from "../../support/it.js"
import { directory, storageIn } from "../../support/storage.js"
import { Faults } from "../Faults.js"

const ann = H.owner("ann-0001")
const reserved = (n: number) => H.reserved(`k${n}`, "r")

const on = (data: string, change = 0, faults = new Faults()) => {
  const { layer, projectors } = Projections.make()
  const kept = projectors.map((projector) => ({ ...projector, version: projector.version + change }))
  return Layer.provideMerge(faults.layer, Layer.provideMerge(layer, storageIn(data, kept)))
}

const add = (from: number, to: number, ended = true) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const drafts = Array.from({ length: to - from + 1 }, (_, at) => from + at).map((n) => {
      const accepted = H.accepted(n, ann, { idempotency: reserved(n) })
      return H.ofJob(n, 0, accepted, ...(ended ? [H.started(n), H.finished(n)] : []))
    })
    yield* Effect.forEach(drafts, log.append, { concurrency: 64, discard: true })
  })

/** A moment after all that came before it, and before all that comes. */
const moment = Effect.zipRight(Effect.sleep("5 millis"), Clock.currentTimeMillis).pipe(
  Effect.zipLeft(Effect.sleep("5 millis"))
)

const fixed = (millis: number): Clock.Clock => {
  const clock = Clock.make()
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    currentTimeMillis: Effect.succeed(millis),
    currentTimeNanos: clock.currentTimeNanos,
    unsafeCurrentTimeMillis: () => millis,
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    sleep: (duration) => clock.sleep(duration)
  }
}

const HOUR = 3_600_000

/** An hour after `moment`, where everything is kept for that long but what `kept` says. */
const sweep = (moment: number, kept: Partial<Retention.Options> = {}) =>
  Retention.make({ jobMillis: HOUR, reservationMillis: HOUR, ...kept }).pipe(
    Effect.flatMap((retention) => retention.sweep),
    Effect.withClock(fixed(moment + HOUR))
  )

const has = (n: number) =>
  Effect.gen(function* () {
    const table = yield* JobTable
    const job = Option.isSome(yield* table.find(H.jobId(n)))
    const reservation = Option.isSome(yield* table.byIdempotency(ann, reserved(n).key))
    return { job, reservation }
  })

const both = { job: true, reservation: true }
const neither = { job: false, reservation: false }

const forgotten = Effect.gen(function* () {
  const rows = yield* (yield* EventLog).page(0, 10_000)
  return rows.filter(({ type }) => type.endsWith("Forgotten"))
})

const dump = Effect.map(Tables, (db) =>
  ["jobs", "idempotency", "totals"].map((table) => db.prepare(`SELECT * FROM ${table}`).all())
)

describe("retention", () => {
  live("forgets what ended long enough ago, and nothing else; the log keeps it all", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        yield* add(1, 3)
        yield* add(4, 4, false)
        const then = yield* moment
        yield* add(5, 5)
        yield* sweep(then - HOUR)
        expect(yield* forgotten).toEqual([])
        yield* sweep(then)
        for (const n of [1, 2, 3]) expect(yield* has(n)).toEqual(neither)
        // It has not ended: it is not forgotten, but its key is as old as it is.
        expect(yield* has(4)).toEqual({ job: true, reservation: false })
        expect(yield* has(5)).toEqual(both)
        expect(yield* (yield* JobTable).unfinished).toEqual([H.jobId(4)])
        const log = yield* EventLog
        expect(yield* log.read(H.ofJob(1, 0).stream)).toHaveLength(3)
        expect((yield* log.verify).ok).toBe(true)
        expect((yield* forgotten).map(({ type }) => type)).toEqual(["ReservationsForgotten", "JobsForgotten"])
      }).pipe(Effect.provide(on(data)))
    })
  )

  live("a key is forgotten before its job, and may then be used for another", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        yield* add(1, 1)
        yield* sweep((yield* moment) - 1_000, { reservationMillis: HOUR - 1_000 })
        expect(yield* has(1)).toEqual({ job: true, reservation: false })
        const log = yield* EventLog
        yield* log.append(H.ofJob(2, 0, H.accepted(2, ann, { idempotency: reserved(1) })))
        const found = yield* (yield* JobTable).byIdempotency(ann, reserved(1).key)
        expect(Option.getOrThrow(found).job).toBe(H.jobId(2))
      }).pipe(Effect.provide(on(data)))
    })
  )

  live("goes in steps until all that is old is forgotten", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        yield* add(1, 1_200)
        yield* sweep(yield* moment)
        expect(yield* has(1_200)).toEqual(neither)
        expect((yield* dump).slice(0, 2)).toEqual([[], []])
        const types = (yield* (yield* EventLog).page(3_600, 100)).map(({ type }) => type)
        expect(types.filter((type) => type === "JobsForgotten")).toHaveLength(3)
      }).pipe(Effect.provide(on(data)))
    })
  )

  live("is the same in tables that are rebuilt, whatever came before, between and after", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const before = yield* Effect.gen(function* () {
        yield* add(1, 30)
        yield* add(31, 33, false)
        const then = yield* moment
        yield* add(34, 40)
        yield* sweep(then)
        yield* add(41, 50)
        return yield* dump
      }).pipe(Effect.provide(on(data)))
      expect(before.map((rows) => rows.length)).toEqual([20, 17, 2])
      const after = yield* dump.pipe(Effect.provide(on(data, 1)))
      expect(after).toEqual(before)
    })
  )

  for (const kind of ["no", "unknown", "written"] as const)
    live(`goes on where a sweep that failed stopped, also after a restart (${kind})`, () =>
      Effect.gen(function* () {
        const data = yield* directory
        const faults = new Faults()
        yield* Effect.gen(function* () {
          yield* add(1, 5)
          yield* moment
          const retention = yield* Retention.make({ jobMillis: 1, reservationMillis: 1 })
          faults.plan("JobsForgotten", kind)
          expect((yield* Effect.exit(retention.sweep))._tag).toBe("Failure")
          yield* add(6, 8)
          yield* moment
          yield* retention.sweep
          for (const n of [1, 8]) expect(yield* has(n)).toEqual(neither)
        }).pipe(Effect.provide(on(data, 0, faults)))
        yield* Effect.gen(function* () {
          yield* add(9, 9)
          yield* sweep(yield* moment)
          expect(yield* has(9)).toEqual(neither)
        }).pipe(Effect.provide(on(data)))
      })
    )
})
