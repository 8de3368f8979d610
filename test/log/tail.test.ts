import { Array as Arr, Chunk, Effect, Fiber, Stream } from "effect"
import { describe, expect } from "vitest"
import { EventLog } from "../../src/log/EventLog.js"
import { turn } from "../../src/log/Turn.js"
import * as Storage from "../../src/store/Storage.js"
import { draft } from "../support/drafts.js"
import { live } from "../support/it.js"
import { directory, storage, storageIn } from "../support/storage.js"

const appendMany = (from: number, count: number) =>
  Effect.flatMap(EventLog, (log) =>
    Effect.forEach(
      Arr.makeBy(count, (n) => from + n),
      (n) => log.append(draft(n, 0)),
      { concurrency: "unbounded", discard: true }
    )
  )

const seqs = (after: number, count: number) =>
  Effect.flatMap(EventLog, (log) =>
    log.tail(after).pipe(
      Stream.map(({ seq }) => seq),
      Stream.take(count),
      Stream.runCollect,
      Effect.map(Chunk.toReadonlyArray),
      Effect.timeout("20 seconds")
    )
  )

const upTo = (from: number, to: number) => Arr.range(from, to)

describe("tail", () => {
  live("has no gap and no duplicate while others append", () =>
    Effect.gen(function* () {
      yield* appendMany(0, 700)
      const tails = yield* Effect.forEach([0, 1, 699, 700], (after) => Effect.fork(seqs(after, 2_700 - after)))
      yield* appendMany(1_000, 1_000)
      yield* appendMany(2_000, 1_000)
      const [all, ...rest] = yield* Effect.forEach(tails, Fiber.join)
      expect(all).toEqual(upTo(1, 2_700))
      expect(rest).toEqual([upTo(2, 2_700), upTo(700, 2_700), upTo(701, 2_700)])
    }).pipe(Effect.provide(storage()))
  )

  live("lets a slow reader take its time", () =>
    Effect.gen(function* () {
      const log = yield* EventLog
      const slow = yield* Effect.fork(
        log.tail(0).pipe(
          Stream.tap(({ seq }) => (seq % 100 === 0 ? Effect.sleep("5 millis") : Effect.void)),
          Stream.take(2_000),
          Stream.runCount
        )
      )
      yield* appendMany(0, 2_000)
      expect(yield* Fiber.join(slow)).toBe(2_000)
    }).pipe(Effect.provide(storage()))
  )

  live("ends with an error when the log closes", () =>
    Effect.gen(function* () {
      const waiting = yield* Effect.flatMap(EventLog, (log) => Effect.forkDaemon(Stream.runDrain(log.tail(0)))).pipe(
        Effect.zipLeft(Effect.sleep("20 millis")),
        Effect.provide(storage())
      )
      expect(yield* Effect.flip(Fiber.join(waiting))).toMatchObject({ _tag: "LogUnavailable" })
    })
  )

  live("follows and verifies from beside, while a server writes, and cannot append", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        yield* appendMany(0, 600)
        const beside = Effect.gen(function* () {
          const log = yield* EventLog
          const seen = yield* seqs(590, 410)
          const verdict = yield* log.verify
          const refused = yield* Effect.flip(log.append(draft(9_999, 0)))
          return { seen, verdict, refused }
        }).pipe(Effect.provide(Storage.readOnly({ data })))
        const reader = yield* Effect.fork(beside)
        yield* appendMany(1_000, 400)
        const { seen, verdict, refused } = yield* Fiber.join(reader)
        expect(seen).toEqual(upTo(591, 1_000))
        expect(verdict).toMatchObject({ ok: true, events: 1_000 })
        expect(refused).toMatchObject({ _tag: "LogUnavailable", written: "no" })
      }).pipe(Effect.provide(storageIn(data, [], { checkpointEvery: 100 })))
    })
  )

  live("verifies again and again while checkpoints are being signed", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        const beside = Effect.flatMap(EventLog, (log) => log.verify).pipe(Effect.provide(Storage.readOnly({ data })))
        const inside = Effect.flatMap(EventLog, (log) => log.verify)
        const writing = yield* Effect.fork(
          Effect.forEach(
            Arr.makeBy(100, (n) => n * 20),
            (from) => appendMany(from, 20)
          )
        )
        let verified = 0
        while ((yield* Fiber.poll(writing))._tag === "None") {
          expect(yield* beside).toMatchObject({ ok: true })
          expect(yield* inside).toMatchObject({ ok: true })
          verified++
          // An empty log is verified without a turn of the event loop, and the writer needs one.
          yield* turn
        }
        yield* Fiber.join(writing)
        expect(verified).toBeGreaterThan(1)
        expect(yield* beside).toMatchObject({ ok: true, events: 2_000 })
      }).pipe(Effect.provide(storageIn(data, [], { checkpointEvery: 7 })))
    })
  )
})
