import { Deferred, Effect, Fiber, TestClock } from "effect"
import { describe, expect } from "vitest"
import { stream } from "../../events/Envelope.js"
import { read } from "../../events/Supervisor.js"
import * as Witness from "../../src/kernel/Witness.js"
import { EventLog } from "../../src/log/EventLog.js"
import { effect } from "../support/it.js"
import { MemoryLog } from "./MemoryLog.js"
import { settle } from "./Ward.js"

const started = (path: string) => ({ _tag: "ChildStarted", path }) as const

const witness = Effect.provide(Witness.Witness, Witness.layer)

const keep = (self: typeof Witness.Witness.Service, log: MemoryLog) =>
  Effect.forkScoped(Effect.provideService(self.keep, EventLog, log.service))

const paths = (log: MemoryLog) => log.rows.map((row) => `${row.stream}:${row.data.path}`)

describe("the witness", () => {
  effect("keeps what happens before there is a log, then writes it in order, each to its supervisor's stream", () =>
    Effect.gen(function* () {
      const self = yield* witness
      const log = new MemoryLog()
      self.note("root", started("root/log"))
      self.note("root/inner", started("root/inner/x"))
      self.note("root", started("root/b"))
      expect(self.waiting()).toBe(3)
      yield* keep(self, log)
      yield* settle
      expect(paths(log)).toEqual([
        ...["supervisor/root:root/log", "supervisor/root/inner:root/inner/x", "supervisor/root:root/b"]
      ])
      expect(self.waiting()).toBe(0)
      for (const row of log.rows) expect(read(row.type, row.schema, row.data)._tag).toBe("Right")
      self.note("root", started("root/c"))
      yield* settle
      expect(log.of(stream("supervisor", "root")).map(({ version }) => version)).toEqual([1, 2, 3])
    })
  )

  effect("goes on after what an earlier process wrote", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      log.write({ stream: stream("supervisor", "root"), events: [started("a"), started("b")], by: "root" })
      const self = yield* witness
      self.note("root", started("c"))
      yield* keep(self, log)
      yield* settle
      expect(paths(log).at(-1)).toBe("supervisor/root:c")
      expect(log.rows).toHaveLength(3)
    })
  )

  effect("waits while the log is unavailable, and loses nothing that fits", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      log.faults = ["no", "no"]
      const self = yield* witness
      yield* keep(self, log)
      self.note("root", started("a"))
      yield* settle
      self.note("root", started("b"))
      expect(log.rows).toEqual([])
      yield* TestClock.adjust("1 second")
      expect(log.rows).toEqual([])
      yield* TestClock.adjust("1 second")
      yield* settle
      expect(paths(log)).toEqual(["supervisor/root:a", "supervisor/root:b"])
    })
  )

  for (const fault of ["unknown", "written-unknown"] as const)
    for (const before of [0, 2])
      effect(`looks before it writes again (${fault}, ${before} rows before)`, () =>
        Effect.gen(function* () {
          const log = new MemoryLog()
          const self = yield* witness
          yield* keep(self, log)
          for (let i = 0; i < before; i++) self.note("root", started(`before-${i}`))
          yield* settle
          log.faults = [fault]
          self.note("root", started("a"))
          yield* settle
          self.note("root", started("b"))
          yield* TestClock.adjust("1 second")
          yield* settle
          expect(paths(log).slice(before)).toEqual(["supervisor/root:a", "supervisor/root:b"])
        })
      )

  effect("neither loses nor doubles what was being written when it was restarted", () =>
    Effect.gen(function* () {
      for (const fault of ["dies", "written-dies"] as const) {
        const log = new MemoryLog()
        log.faults = [fault]
        const self = yield* witness
        self.note("root", started("a"))
        yield* Effect.exit(Fiber.join(yield* keep(self, log)))
        self.note("root", started("b"))
        yield* keep(self, log)
        yield* settle
        expect(paths(log)).toEqual(["supervisor/root:a", "supervisor/root:b"])
      }
    })
  )

  effect("is bounded, and counts what it could not keep", () =>
    Effect.gen(function* () {
      const self = yield* witness
      for (let i = 0; i < 1_100; i++) self.note("root", started(`c${i}`))
      expect([self.waiting(), self.dropped()]).toEqual([1_024, 76])
      const log = new MemoryLog()
      yield* keep(self, log)
      yield* settle
      expect(log.rows).toHaveLength(1_024)
    })
  )

  effect("writes what waits when it is stopped, unless the log does not answer", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      const self = yield* witness
      const fiber = yield* keep(self, log)
      yield* settle
      log.faults = ["no"]
      self.note("root", started("a"))
      yield* settle
      self.note("root", started("b"))
      yield* Fiber.interrupt(fiber)
      expect(paths(log)).toEqual(["supervisor/root:a", "supervisor/root:b"])

      const disk = yield* Deferred.make<void>()
      log.delay = Deferred.await(disk)
      const second = yield* keep(self, log)
      self.note("root", started("c"))
      yield* settle
      const stop = yield* Effect.fork(Fiber.interrupt(second))
      yield* settle
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(stop)
      expect(self.waiting()).toBe(1)
    })
  )
})
