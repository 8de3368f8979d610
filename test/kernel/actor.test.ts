import { Deferred, Effect, Either, Exit, Fiber } from "effect"
import { describe, expect } from "vitest"
import type { Actor } from "../../src/kernel/Actor.js"
import { live } from "../support/it.js"
import * as Counter from "./Counter.js"
import { MemoryLog } from "./MemoryLog.js"

/** What a supervisor does, without its limits. */
const alive = <S, C, R>(actor: Actor<S, C, R>) => Effect.forkScoped(Effect.retry(actor.run, { times: 20 }))

const tag = (either: Either.Either<unknown, { readonly _tag: string }>) =>
  Either.match(either, { onLeft: ({ _tag }) => _tag, onRight: () => "answered" })

describe("an actor", () => {
  live("decides, appends, evolves, answers, then reacts", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      const crashes = new Counter.Crashes()
      log.delay = Effect.sync(() => void crashes.trace.push("append"))
      const actor = yield* Counter.make(log, crashes)
      yield* alive(actor)
      const state = yield* actor.ask({ numbers: [1, 2] })
      yield* Effect.yieldNow()
      expect(state).toEqual({ total: 3, count: 2 })
      expect(crashes.trace).toEqual(["react", "decide", "append", "evolve", "evolve", "react"])
    })
  )

  live("answers only what is durable", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      const disk = yield* Deferred.make<void>()
      log.delay = Deferred.await(disk)
      const actor = yield* Counter.make(log)
      yield* alive(actor)
      const asker = yield* Effect.fork(actor.ask({ numbers: [1] }))
      yield* Effect.sleep("10 millis")
      expect((yield* Fiber.poll(asker))._tag).toBe("None")
      yield* Deferred.succeed(disk, undefined)
      expect((yield* Fiber.join(asker)).total).toBe(1)
    })
  )

  live("writes who asked, and falls back to its own path", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      const actor = yield* Counter.make(log)
      yield* alive(actor)
      yield* actor.ask({ numbers: [1] }, { by: "unsb-pk-me", cause: "request", trace: "t1" })
      yield* actor.ask({ numbers: [2] })
      expect(log.rows.map(({ by, cause, trace }) => [by, cause, trace])).toEqual([
        ["unsb-pk-me", "request", "t1"],
        ["test/counter", null, null]
      ])
    })
  )

  live("refuses without writing or reacting, and goes on", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      const crashes = new Counter.Crashes()
      const actor = yield* Counter.make(log, crashes)
      yield* alive(actor)
      const refused = yield* Effect.flip(actor.ask({ numbers: [5_000] }))
      expect(refused).toMatchObject({ _tag: "TooMany", total: 5_000 })
      expect(log.rows).toEqual([])
      expect(crashes.trace).toEqual(["react", "decide"])
      expect(yield* actor.commit({ numbers: [] })).toMatchObject({ state: Counter.initial, rows: [] })
      expect((yield* actor.commit({ numbers: [7] })).rows).toHaveLength(1)
    })
  )

  live("ends well when it is done: who waits and who comes later is not accepted", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      const crashes = new Counter.Crashes()
      const actor = yield* Counter.make(log, crashes)
      const last = yield* Effect.fork(actor.ask({ numbers: [Counter.FULL] }))
      const late = yield* Effect.fork(Effect.flip(actor.ask({ numbers: [0] })))
      yield* Effect.yieldNow()
      yield* actor.run
      expect((yield* Fiber.join(last)).total).toBe(Counter.FULL)
      expect(yield* Fiber.join(late)).toMatchObject({ _tag: "NotAccepted", reason: "stopped" })
      expect(yield* Effect.flip(actor.ask({ numbers: [0] }))).toMatchObject({ _tag: "NotAccepted" })
      expect(yield* actor.tell({ numbers: [0] })).toBe(false)
      expect(crashes.trace.at(-1)).toBe("react")
      yield* actor.run
    })
  )

  live("turns away what its mailbox cannot hold, and keeps what it can until it runs", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      const actor = yield* Counter.make(log, undefined, { capacity: 1 })
      expect(yield* actor.tell({ numbers: [1] })).toBe(true)
      expect(yield* actor.tell({ numbers: [1] })).toBe(false)
      expect(yield* Effect.flip(actor.ask({ numbers: [1] }))).toMatchObject({ _tag: "NotAccepted", reason: "full" })
      yield* alive(actor)
      yield* Effect.yieldNow()
      expect((yield* actor.ask({ numbers: [1] })).total).toBe(2)
    })
  )

  live("withdraws the command of an asker who went away before it was looked at", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      const actor = yield* Counter.make(log, undefined, { capacity: 1 })
      const asker = yield* Effect.fork(actor.ask({ numbers: [100] }))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(asker)
      yield* alive(actor)
      expect((yield* actor.ask({ numbers: [1] })).total).toBe(1)
    })
  )

  live("finishes the command of an asker who went away while it was written", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      const disk = yield* Deferred.make<void>()
      log.delay = Deferred.await(disk)
      const actor = yield* Counter.make(log)
      yield* alive(actor)
      const asker = yield* Effect.fork(actor.ask({ numbers: [100] }))
      yield* Effect.sleep("5 millis")
      yield* Fiber.interrupt(asker)
      yield* Deferred.succeed(disk, undefined)
      expect((yield* actor.ask({ numbers: [1] })).total).toBe(101)
    })
  )

  live("runs once at a time", () =>
    Effect.gen(function* () {
      const actor = yield* Counter.make(new MemoryLog())
      yield* Effect.forkScoped(actor.run)
      yield* Effect.yieldNow()
      const second = yield* Effect.exit(actor.run)
      expect(Exit.isFailure(second) && second.cause._tag).toBe("Die")
      expect((yield* actor.ask({ numbers: [1] })).total).toBe(1)
    })
  )

  live("when stopped, ends well after the command in hand and refuses the rest", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      const disk = yield* Deferred.make<void>()
      log.delay = Deferred.await(disk)
      const actor = yield* Counter.make(log)
      const run = yield* Effect.fork(actor.run)
      const first = yield* Effect.fork(actor.ask({ numbers: [1] }))
      const second = yield* Effect.fork(Effect.flip(actor.ask({ numbers: [2] })))
      yield* Effect.sleep("5 millis")
      yield* actor.stop
      expect(yield* Fiber.join(second)).toMatchObject({ _tag: "NotAccepted", reason: "stopped" })
      yield* Deferred.succeed(disk, undefined)
      expect((yield* Fiber.join(first)).total).toBe(1)
      yield* Fiber.join(run)
    })
  )

  live("wakes up to be stopped", () =>
    Effect.gen(function* () {
      const actor = yield* Counter.make(new MemoryLog())
      const run = yield* Effect.fork(actor.run)
      yield* Effect.sleep("1 millis")
      yield* actor.stop
      yield* Fiber.join(run)
    })
  )
})

describe("an actor and its log", () => {
  live("passes on that nothing was written, keeps its state and goes on", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      log.faults = ["fine", "no"]
      const actor = yield* Counter.make(log)
      const run = yield* Effect.fork(actor.run)
      yield* actor.ask({ numbers: [1] })
      expect(yield* Effect.flip(actor.ask({ numbers: [2] }))).toMatchObject({ _tag: "LogUnavailable", written: "no" })
      expect((yield* actor.ask({ numbers: [4] })).total).toBe(5)
      expect((yield* Fiber.poll(run))._tag).toBe("None")
    })
  )

  for (const fault of ["unknown", "written-unknown", "dies", "written-dies"] as const)
    live(`says that it does not know (${fault}), fails, and replays`, () =>
      Effect.gen(function* () {
        const log = new MemoryLog()
        log.faults = ["fine", fault]
        const actor = yield* Counter.make(log)
        const run = yield* Effect.fork(Effect.flip(actor.run))
        yield* actor.ask({ numbers: [1] })
        expect(yield* Effect.flip(actor.ask({ numbers: [2] }))).toMatchObject({ _tag: "OutcomeUnknown" })
        expect(yield* Fiber.join(run)).toMatchObject({ _tag: "ActorFailed", step: "append" })
        yield* alive(actor)
        const total = fault.startsWith("written") ? 3 : 1
        expect(yield* actor.ask({ numbers: [] })).toMatchObject({ total })
      })
    )

  live("decides again on the replayed state when somebody else wrote its stream", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      log.rival = [Counter.added(900)]
      log.faults = ["raced"]
      const actor = yield* Counter.make(log)
      const asker = yield* Effect.fork(Effect.flip(actor.ask({ numbers: [200] })))
      const second = yield* Effect.fork(actor.ask({ numbers: [1] }))
      yield* Effect.yieldNow()
      const failed = yield* Effect.flip(actor.run)
      expect(failed.step).toBe("append")
      yield* alive(actor)
      // 200 was fine on an empty stream; on the real one it is not.
      expect(yield* Fiber.join(asker)).toMatchObject({ _tag: "TooMany", total: 1_100 })
      expect((yield* Fiber.join(second)).total).toBe(901)
    })
  )

  live("does not race for ever", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      log.rival = [Counter.added(1)]
      log.faults = Array.from({ length: 10 }, () => "raced")
      const actor = yield* Counter.make(log)
      yield* alive(actor)
      expect(yield* Effect.flip(actor.ask({ numbers: [1] }))).toMatchObject({ _tag: "OutcomeUnknown" })
      expect(log.rows).toHaveLength(3)
    })
  )

  live("answers a command that was put back when it is stopped instead of run again", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      log.rival = [Counter.added(1)]
      log.faults = ["raced", "raced"]
      const actor = yield* Counter.make(log)
      const asker = yield* Effect.fork(Effect.flip(actor.ask({ numbers: [1] })))
      yield* Effect.yieldNow()
      yield* Effect.flip(actor.run)
      log.delay = actor.stop
      yield* Effect.flip(actor.run)
      expect(yield* Fiber.join(asker)).toMatchObject({ _tag: "NotAccepted", reason: "stopped" })
    })
  )

  live("born: does not read a new stream, and reads one that turns out not to be", () =>
    Effect.gen(function* () {
      const fresh = new MemoryLog()
      const newborn = yield* Counter.make(fresh, undefined, { born: true })
      yield* alive(newborn)
      expect((yield* newborn.ask({ numbers: [1] })).total).toBe(1)
      expect(fresh.reads).toBe(0)

      const old = new MemoryLog()
      old.write({ stream: Counter.counter, events: [Counter.added(10)], by: "before" })
      const mistaken = yield* Counter.make(old, undefined, { born: true })
      yield* alive(mistaken)
      expect((yield* mistaken.ask({ numbers: [1] })).total).toBe(11)
      expect(old.reads).toBe(1)
    })
  )

  live("stops at a row it cannot read, and at one that is missing", () =>
    Effect.gen(function* () {
      const strange = new MemoryLog()
      strange.write({ stream: Counter.counter, events: [{ _tag: "ChildStopped", path: "x" }], by: "x" })
      const first = yield* Counter.make(strange)
      expect(yield* Effect.flip(first.run)).toMatchObject({ _tag: "ActorFailed", step: "replay" })

      const torn = new MemoryLog()
      torn.write({ stream: Counter.counter, events: [Counter.added(1), Counter.added(2)], by: "x" })
      torn.rows.shift()
      const second = yield* Counter.make(torn)
      const failed = yield* Effect.flip(second.run)
      expect(failed.message).toContain("version 1 is missing")
    })
  )

  live("interrupted while it writes: the asker reads first, those behind wait for the next run", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      log.delay = Effect.never
      const actor = yield* Counter.make(log)
      const run = yield* Effect.fork(actor.run)
      const first = yield* Effect.fork(Effect.either(actor.ask({ numbers: [1] })))
      const second = yield* Effect.fork(actor.ask({ numbers: [2] }))
      yield* Effect.sleep("5 millis")
      yield* Fiber.interrupt(run)
      expect(tag(yield* Fiber.join(first))).toBe("OutcomeUnknown")
      log.delay = Effect.void
      yield* alive(actor)
      expect((yield* Fiber.join(second)).total).toBe(2)
    })
  )
})
