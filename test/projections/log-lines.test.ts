import { Effect, Fiber, Layer } from "effect"
import { describe, expect, it } from "vitest"
import type { AnyEvent } from "../../events/Catalogue.js"
import { stream } from "../../events/Envelope.js"
import type { DecisionPoint } from "../../events/Ids.js"
import { EventLog } from "../../src/log/EventLog.js"
import { Tables } from "../../src/log/Tables.js"
import { lineOf } from "../../src/projections/LogLine.js"
import { LogLines } from "../../src/projections/LogLines.js"
import * as Projections from "../../src/projections/Projections.js"
import { keyCreated } from "../support/births.js"
import * as H from "../support/history.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

const on = (data: string, change = 0) => {
  const { layer, projectors } = Projections.make()
  const kept = projectors.map((projector) => ({ ...projector, version: projector.version + change }))
  return Layer.provideMerge(layer, storageIn(data, kept))
}

const inFresh = <A, E>(body: Effect.Effect<A, E, Layer.Layer.Success<ReturnType<typeof on>>>) =>
  Effect.flatMap(directory, (data) => Effect.provide(body, on(data)))

const ann = H.owner("ann-0001")
const bob = H.owner("bob-0001")
const everything = { source: undefined, level: "debug", grep: "" } as const

const texts = (owner: string, filter: Partial<Parameters<LogLines["Type"]["last"]>[1]> = {}, limit = 9_000) =>
  Effect.flatMap(LogLines, ({ last }) =>
    Effect.map(last(owner, { ...everything, ...filter }, 0, limit), (lines) => lines.map(({ text }) => text))
  )

const refused = (point: DecisionPoint, principal: string): AnyEvent => ({
  _tag: "Refused",
  point,
  principal,
  action: "GET /jobs/x\nfake",
  certainty: "refused",
  reason: "not_found: it belongs to another key",
  count: 2
})

describe("lines", () => {
  live("tell an owner what happened to its own, in order, and nobody else's", () =>
    inFresh(
      Effect.gen(function* () {
        const log = yield* EventLog
        yield* log.append(H.ofKey(ann, 0, keyCreated(ann, { label: "first" })))
        yield* log.append(H.ofJob(1, 0, H.accepted(1, ann)))
        yield* log.append(H.ofJob(2, 0, H.accepted(2, bob)))
        yield* log.append(H.ofJob(1, 1, H.started(1), H.finished(1, { status: "failed", cause: "exit", exitCode: 3 })))
        expect(yield* texts(ann)).toEqual([
          `key ${ann} created label=first`,
          `job ${H.jobId(1)} accepted language=python network=zerotrust vcpu=1`,
          `job ${H.jobId(1)} started container=${H.containerId(1)}`,
          `job ${H.jobId(1)} finished status=failed cause=exit exit_code=3`
        ])
        expect(yield* texts(bob)).toHaveLength(1)
        expect(yield* texts(ann, { source: "portal" })).toHaveLength(1)
        expect(yield* texts(ann, { level: "error" })).toHaveLength(1)
        expect(yield* texts(ann, { grep: "ACCEPTED" })).toHaveLength(1)
        expect(yield* texts(ann, { grep: "%" })).toEqual([])
        expect(yield* texts(ann, {}, 1)).toEqual([`job ${H.jobId(1)} finished status=failed cause=exit exit_code=3`])
      })
    )
  )

  live("tell of refusals, but neither of what strangers try nor of what the caller may not know", () =>
    inFresh(
      Effect.gen(function* () {
        const log = yield* EventLog
        const decision = (expected: number, ...events: ReadonlyArray<AnyEvent>) =>
          log.append({ stream: stream("decision", "edge"), expected, events, by: "root/test" })
        yield* decision(0, refused("D03", ann), refused("D16", ann), refused("D10", "root/jobs"))
        expect(yield* texts(ann)).toEqual(["D16 refused GET /jobs/x fake count=2"])
        expect(yield* texts("root/jobs")).toEqual([])
      })
    )
  )

  live("are a ring: the oldest go, the newest stay, and a restart counts on", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const many = (from: number, to: number) =>
        Effect.flatMap(EventLog, (log) =>
          Effect.forEach(
            Array.from({ length: to - from }, (_, at) => from + at),
            (n) => log.append(H.ofJob(n, 0, H.accepted(n, ann))),
            { concurrency: 64, discard: true }
          )
        )
      const kept = Effect.map(Tables, (db) => db.prepare("SELECT count(*) FROM log_lines").pluck().get())
      yield* many(1, 10_400).pipe(Effect.provide(on(data)))
      yield* Effect.gen(function* () {
        yield* many(10_400, 10_600)
        expect(yield* kept).toBeLessThanOrEqual(10_256)
        const all = yield* Effect.flatMap(LogLines, (lines) => lines.after(ann, 0, 20_000))
        expect(all.length).toBeGreaterThanOrEqual(10_000)
        expect(all.at(-1)?.seq).toBe(10_599)
      }).pipe(Effect.provide(on(data)))
    })
  )

  live("are the same when they are made anew", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const dump = Effect.map(Tables, (db) =>
        ["log_lines", "log_owners"].map((table) => db.prepare(`SELECT * FROM ${table}`).all())
      )
      const before = yield* Effect.gen(function* () {
        const log = yield* EventLog
        for (let n = 1; n <= 300; n++) yield* log.append(H.ofJob(n, 0, H.accepted(n, n % 2 === 0 ? ann : bob)))
        for (let n = 1; n <= 200; n++) yield* log.append(H.ofJob(n, 1, H.started(n), H.finished(n)))
        return yield* dump
      }).pipe(Effect.provide(on(data)))
      expect(yield* dump.pipe(Effect.provide(on(data, 1)))).toEqual(before)
      // Whose a job is stands elsewhere.
      expect(before.map((rows) => rows.length)).toEqual([700, 0])
    })
  )

  live("wake whoever waits for them, once they can be read", () =>
    inFresh(
      Effect.gen(function* () {
        const log = yield* EventLog
        const lines = yield* LogLines
        const waiting = yield* Effect.fork(Effect.zipRight(lines.grown(ann, 0), lines.after(ann, 0, 10)))
        yield* Effect.sleep("20 millis")
        yield* log.append(H.ofJob(2, 0, H.accepted(2, bob)))
        expect(yield* Effect.map(Fiber.poll(waiting), ({ _tag }) => _tag)).toBe("None")
        yield* log.append(H.ofJob(1, 0, H.accepted(1, ann)))
        expect(yield* Fiber.join(waiting)).toHaveLength(1)
        yield* lines.grown(ann, 0)
      })
    )
  )
})

it("no content makes two lines of one, or drives a terminal", () => {
  const text = 'a\r\nb\u2028c\u001b[31m d=e "f"'
  const line = lineOf("key", { _tag: "KeySuspended", key: ann, reason: text })
  expect(line).toEqual({
    source: "portal",
    level: "warn",
    text: `key ${ann} suspended reason="a b c [31m d=e \\"f\\""`
  })
  const long = lineOf("key", { _tag: "KeySuspended", key: ann, reason: "x".repeat(10_000) })
  expect(long?.text.length).toBe(500)
})
