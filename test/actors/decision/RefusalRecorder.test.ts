import { Context, Deferred, Effect, Fiber, Layer, Metric, Ref, TestClock } from "effect"
import { describe, expect } from "vitest"
import * as RefusalRecorder from "../../../actors/decision/RefusalRecorder.js"
import { type DecisionEvent, read } from "../../../events/Decision.js"
import { type Row, stream } from "../../../events/Envelope.js"
import { Refusals } from "../../../src/guards/Refusals.js"
import { resourceKnown } from "../../../src/guards/ResourceKnown.js"
import { resourceOwned } from "../../../src/guards/ResourceOwned.js"
import { EventLog, LogUnavailable } from "../../../src/log/EventLog.js"
import { effect } from "../../support/it.js"
import { storage } from "../../support/storage.js"

const principal = "unsb-pk-test-0000-0000-0001"
const action = "DELETE /jobs/{id}"
const notOwner = resourceOwned.refuse({ code: "not_owner", message: "no", status: 403 })
const notFound = resourceKnown.refuse({ code: "not_found", message: "no", status: 404, note: "it never existed" })
const doubtful = resourceOwned.refuse({ code: "uncertain", message: "?", status: 503, uncertain: true })

type Log = Context.Tag.Service<typeof EventLog>

/** The real log, behind something that can stand in the way of appends. */
const behind = (way: (append: Log["append"]) => Log["append"]) =>
  Layer.map(storage(), (context) => {
    const log = Context.get(context, EventLog)
    return Context.make(EventLog, { ...log, append: way(log.append) })
  })

const real = behind((append) => append)

/** Fibers run between turns of the event loop, and the log's writer takes such turns: give both some. */
const turns = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 20)))

const pass = (millis: number) => Effect.zipRight(TestClock.adjust(millis), turns)

const started = Effect.gen(function* () {
  const recorder = yield* RefusalRecorder.RefusalRecorder
  return yield* Effect.forkScoped(recorder.run)
})

const rowsOf = (point: string) => Effect.flatMap(EventLog, (log) => log.read(stream("decision", point)))

const told = (row: Row): DecisionEvent => {
  const event = read(row.type, row.schema, row.data)
  if (event._tag === "Left") throw event.left
  return event.right
}

const counts = (rows: ReadonlyArray<Row>) => rows.map((row) => told(row).count)
const sum = (rows: ReadonlyArray<Row>) => counts(rows).reduce((all, count) => all + count, 0)

const withRecorder = <E>(
  log: Layer.Layer<EventLog, E>,
  body: Effect.Effect<unknown, unknown, EventLog | Refusals | RefusalRecorder.RefusalRecorder>
) => Effect.provide(body, RefusalRecorder.layer.pipe(Layer.provideMerge(log))).pipe(Effect.orDie)

describe("refusal recorder", () => {
  effect("tells alike refusals of a second as one event, and others apart", () =>
    withRecorder(
      real,
      Effect.gen(function* () {
        const { note } = yield* Refusals
        const fiber = yield* Effect.fork((yield* RefusalRecorder.RefusalRecorder).run)
        yield* Effect.replicateEffect(note(notOwner, { principal, action }), 1_000)
        yield* note(doubtful, { principal, action })
        yield* note(notOwner, { principal, action: "GET /jobs/{id}" })
        yield* note(notOwner, { principal: "x".repeat(500), action })
        yield* note(notFound, { principal: "", action })
        yield* pass(900)
        expect(yield* rowsOf("D17")).toEqual([])
        yield* pass(100)
        const rows = yield* rowsOf("D17")
        expect(rows.map(told)).toEqual([
          { _tag: "Refused", point: "D17", principal, action, certainty: "refused", reason: "not_owner", count: 1000 },
          { _tag: "Refused", point: "D17", principal, action, certainty: "uncertain", reason: "uncertain", count: 1 },
          expect.objectContaining({ action: "GET /jobs/{id}", count: 1 }),
          expect.objectContaining({ principal: "x".repeat(80), count: 1 })
        ])
        expect(rows.every((row) => row.by === "refusals")).toBe(true)
        expect((yield* rowsOf("D16")).map(told)).toMatchObject([
          { reason: "not_found: it never existed", principal: "" }
        ])

        yield* note(notOwner, { principal, action })
        yield* pass(1_000)
        expect(counts(yield* rowsOf("D17"))).toEqual([1000, 1, 1, 1, 1])
        yield* Fiber.interrupt(fiber)
      })
    )
  )

  effect("goes on in a stream that others began", () =>
    withRecorder(
      real,
      Effect.gen(function* () {
        const log = yield* EventLog
        const event = {
          _tag: "Refused",
          point: "D17",
          principal,
          action,
          certainty: "refused",
          reason: "old",
          count: 1
        } as const
        yield* log.append({ stream: stream("decision", "D17"), expected: 0, events: [event, event], by: "before" })
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { note } = yield* Refusals
            yield* started
            yield* note(notOwner, { principal, action })
            yield* pass(1_000)
          })
        )
        expect((yield* rowsOf("D17")).map((row) => [row.version, row.by])).toEqual([
          [1, "before"],
          [2, "before"],
          [3, "refusals"]
        ])
      })
    )
  )

  const unavailable = (written: "no" | "unknown") => new LogUnavailable({ reason: "disk full", written })

  const troubles: ReadonlyArray<readonly [string, (append: Log["append"]) => Log["append"]]> = [
    ["refuses", () => () => unavailable("no")],
    ["does not say, and has not written", () => () => unavailable("unknown")],
    ["does not say, and has written", (append) => (draft) => Effect.zipRight(append(draft), unavailable("unknown"))]
  ]
  for (const [what, trouble] of troubles)
    effect(`loses and doubles nothing when the log ${what}`, () =>
      Effect.gen(function* () {
        const broken = yield* Ref.make(true)
        const log = behind(
          (append) => (draft) => Effect.flatMap(Ref.get(broken), (is) => (is ? trouble(append) : append)(draft))
        )
        yield* withRecorder(
          log,
          Effect.scoped(
            Effect.gen(function* () {
              const { note } = yield* Refusals
              const recorder = yield* RefusalRecorder.RefusalRecorder
              yield* started
              for (let second = 0; second < 5; second++) {
                yield* Effect.replicateEffect(note(notOwner, { principal, action }), 10)
                yield* note(notFound, { principal, action })
                yield* pass(1_000)
              }
              expect(yield* recorder.waiting).toBeGreaterThan(0)
              yield* Ref.set(broken, false)
              for (let second = 0; second < 4; second++) yield* pass(1_000)
              expect(yield* recorder.waiting).toBe(0)
              expect([sum(yield* rowsOf("D17")), sum(yield* rowsOf("D16"))]).toEqual([50, 5])
            })
          )
        )
      })
    )

  effect("holds a bounded number of different ones, and counts them all", () =>
    withRecorder(
      real,
      Effect.scoped(
        Effect.gen(function* () {
          const { note } = yield* Refusals
          const recorder = yield* RefusalRecorder.RefusalRecorder
          for (let index = 0; index < 10_000; index++)
            yield* note(notOwner, { principal, action: `GET /jobs/${index}` })
          expect(yield* recorder.waiting).toBe(17)
          yield* started
          for (let turn = 0; turn < 100 && (yield* recorder.waiting) > 0; turn++) yield* pass(1_000)
          const rows = yield* rowsOf("D17")
          expect(sum(rows)).toBe(10_000)
          expect(rows).toHaveLength(17)
          expect(told(rows[rows.length - 1] ?? expect.fail("no rows"))).toMatchObject({
            action: "(many)",
            count: 9_984
          })
        })
      )
    )
  )

  effect("writes what waits when it is stopped", () =>
    withRecorder(
      real,
      Effect.gen(function* () {
        const { note } = yield* Refusals
        const fiber = yield* Effect.fork((yield* RefusalRecorder.RefusalRecorder).run)
        yield* turns
        for (let index = 0; index < 200; index++) yield* note(notOwner, { principal, action: `GET /jobs/${index}` })
        yield* Fiber.interrupt(fiber)
        expect(sum(yield* rowsOf("D17"))).toBe(200)
      })
    )
  )

  effect("keeps nobody waiting while the log hangs, and stops all the same", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      const hangs = behind(() => () => Effect.zipRight(Deferred.succeed(asked, undefined), Effect.never))
      yield* withRecorder(
        hangs,
        Effect.gen(function* () {
          const { note } = yield* Refusals
          const recorder = yield* RefusalRecorder.RefusalRecorder
          const fiber = yield* Effect.fork(recorder.run)
          yield* note(notOwner, { principal, action })
          yield* pass(1_000)
          yield* Deferred.await(asked)
          yield* Effect.replicateEffect(note(notOwner, { principal, action }), 100)
          const stopping = yield* Effect.fork(Fiber.interrupt(fiber))
          yield* pass(5_000)
          yield* Fiber.join(stopping)
          expect(yield* recorder.waiting).toBe(2)
        })
      )
    })
  )

  effect("is doubted by nobody after a restart in the middle of an append", () =>
    Effect.gen(function* () {
      const slow = yield* Ref.make(true)
      const written = yield* Deferred.make<void>()
      const log = behind(
        (append) => (draft) =>
          Effect.flatMap(Ref.get(slow), (is) =>
            is
              ? append(draft).pipe(Effect.zipRight(Deferred.succeed(written, undefined)), Effect.zipRight(Effect.never))
              : append(draft)
          )
      )
      yield* withRecorder(
        log,
        Effect.gen(function* () {
          const { note } = yield* Refusals
          const recorder = yield* RefusalRecorder.RefusalRecorder
          const first = yield* Effect.fork(recorder.run)
          yield* note(notOwner, { principal, action })
          yield* pass(1_000)
          yield* Deferred.await(written)
          yield* Ref.set(slow, false)
          yield* Fiber.interrupt(first)
          expect(yield* recorder.waiting).toBe(0)
          expect(counts(yield* rowsOf("D17"))).toEqual([1])
        })
      )
    })
  )

  effect("counts beside the log, by point and certainty", () =>
    withRecorder(
      real,
      Effect.gen(function* () {
        const { note } = yield* Refusals
        const counter = RefusalRecorder.refusals.pipe(
          Metric.tagged("point", "D16"),
          Metric.tagged("certainty", "refused")
        )
        const before = (yield* Metric.value(counter)).count
        yield* Effect.replicateEffect(note(notFound, { principal, action }), 3)
        expect((yield* Metric.value(counter)).count - before).toBe(3)
      })
    )
  )
})
