import { Array as Arr, Effect, Either, TestClock } from "effect"
import { describe, expect } from "vitest"
import type { AnyEvent } from "../../events/Catalogue.js"
import * as Canonical from "../../src/log/Canonical.js"
import { hashOf } from "../../src/log/Chain.js"
import { EventLog } from "../../src/log/EventLog.js"
import { created, draft, resumed, streamOf, suspended } from "../support/drafts.js"
import { effect, live } from "../support/it.js"
import { directory, storage, storageIn } from "../support/storage.js"

describe("append", () => {
  live("of 50 racing appends at one version, one wins and the others hear the version that is there", () =>
    Effect.gen(function* () {
      const log = yield* EventLog
      const races = yield* Effect.all(
        Arr.makeBy(50, (n) => Effect.either(log.append(draft(1, 0, created(1, `caller ${n}`))))),
        { concurrency: "unbounded" }
      )
      const lost = races.flatMap((race) => (Either.isLeft(race) ? [race.left] : []))
      expect(lost).toHaveLength(49)
      for (const error of lost) expect(error).toMatchObject({ _tag: "WrongVersion", expected: 0, actual: 1 })
      expect(yield* log.read(streamOf(1))).toHaveLength(1)
    }).pipe(Effect.provide(storage()))
  )

  live("answers with the rows that reading gives", () =>
    Effect.gen(function* () {
      const log = yield* EventLog
      const hostile = created(1, 'a \ud800 lone \0 surrogate, \u2028 and "quotes"')
      const appended = yield* log.append({ ...draft(1, 0, hostile, suspended(1)), cause: "3", trace: "r \udfff 1" })
      expect(yield* log.read(streamOf(1))).toEqual(appended)
      expect(yield* log.page(0, 10)).toEqual(appended)
      expect(appended.map(({ seq, version, type }) => [seq, version, type])).toEqual([
        [1, 1, "KeyCreated"],
        [2, 2, "KeySuspended"]
      ])
      expect(yield* log.read(streamOf(1), 1)).toEqual(appended.slice(1))
      const [first, second] = appended
      expect(second?.prev).toBe(first?.hash)
      expect(yield* log.head).toEqual({ seq: 2, hash: second?.hash })
      for (const row of appended) expect(hashOf(row.prev, { ...row, data: Canonical.encode(row.data) })).toBe(row.hash)
      expect(yield* log.verify).toMatchObject({ ok: true, events: 2, head: second?.hash })
    }).pipe(Effect.provide(storage()))
  )

  live("fails only the draft whose version is wrong, though they share a commit", () =>
    Effect.gen(function* () {
      const log = yield* EventLog
      const drafts = [draft(1, 0), draft(2, 5), draft(1, 1, suspended(1)), draft(3, 0), draft(1, 1, resumed(1))]
      const outcomes = yield* Effect.all(
        drafts.map((each) => Effect.either(log.append(each))),
        { concurrency: "unbounded" }
      )
      expect(outcomes.map(Either.isRight)).toEqual([true, false, true, true, false])
      expect((yield* log.page(0, 10)).map(({ seq }) => seq)).toEqual([1, 2, 3])
      expect(yield* log.verify).toMatchObject({ ok: true, events: 3 })
    }).pipe(Effect.provide(storage()))
  )

  live("knows a stream's version after it was opened again", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const once = Effect.flatMap(EventLog, (log) => log.append(draft(1, 0, created(1), suspended(1))))
      yield* Effect.provide(once, storageIn(data))
      yield* Effect.gen(function* () {
        const log = yield* EventLog
        expect(yield* Effect.flip(log.append(draft(1, 0)))).toMatchObject({ _tag: "WrongVersion", actual: 2 })
        expect(yield* Effect.flip(log.append(draft(1, 3)))).toMatchObject({ _tag: "WrongVersion", actual: 2 })
        const [row] = yield* log.append(draft(1, 2, resumed(1)))
        expect(row).toMatchObject({ seq: 3, version: 3 })
      }).pipe(Effect.provide(storageIn(data)))
    })
  )

  live("refuses an event that no reader could read, and nothing of its draft is there", () =>
    Effect.gen(function* () {
      const log = yield* EventLog
      const wrong: AnyEvent = { _tag: "PoolSized", pool: "zerotrust", target: Number.NaN, maximum: 3 }
      const error = yield* Effect.flip(log.append(draft(1, 0, created(1), wrong)))
      expect(error).toMatchObject({ _tag: "LogUnavailable", written: "no" })
      expect(yield* log.head).toMatchObject({ seq: 0 })
    }).pipe(Effect.provide(storage()))
  )

  live("refuses events that are not small", () =>
    Effect.gen(function* () {
      const log = yield* EventLog
      const large = log.append(draft(1, 0, created(1, "x".repeat(1024 * 1024))))
      expect(yield* Effect.flip(large)).toMatchObject({ _tag: "LogUnavailable", written: "no" })
    }).pipe(Effect.provide(storage()))
  )

  effect("never lets time run backwards along the log", () =>
    Effect.gen(function* () {
      const log = yield* EventLog
      yield* TestClock.setTime(5_000)
      yield* log.append(draft(1, 0))
      yield* TestClock.setTime(3_000)
      yield* log.append(draft(2, 0))
      yield* TestClock.setTime(6_000)
      yield* log.append(draft(3, 0))
      expect((yield* log.page(0, 10)).map(({ at }) => at)).toEqual([5_000_000, 5_000_000, 6_000_000])
    }).pipe(Effect.provide(storage()))
  )
})
