import { Effect, Exit, Schedule, Scope } from "effect"
import { describe, expect } from "vitest"
import { live } from "../../support/it.js"
import { full, settled } from "../claims.js"
import { loss, refusal } from "../scripted.js"
import { becomes, inScript, system, told } from "../world.js"

describe("spawning", () => {
  live("backs off, opens its circuit, lets one through, and closes again", () =>
    inScript((script) => {
      let tries = 0
      script.creating = Effect.suspend(() => {
        tries += 1
        return Effect.delay(Effect.fail(refusal), "5 millis")
      })
      return Effect.gen(function* () {
        const it = yield* system({ target: 4 })
        // Four begun together that fail together are one failure.
        yield* Effect.sleep("50 millis")
        expect(tries).toBe(4)
        expect((yield* it.status).circuit).toBe("closed")
        yield* becomes(Effect.map(it.status, ({ circuit }) => circuit === "open"))
        expect(tries).toBe(12)
        yield* becomes(Effect.sync(() => tries > 12))
        expect(tries).toBe(13)
        script.creating = Effect.void
        yield* settled(it, { ...full, idle: 4, circuit: "closed" })
        yield* becomes(Effect.map(told("pool/zerotrust"), (rows) => rows.at(-1)?.type === "PoolCircuitClosed"))
        const types = (yield* told("pool/zerotrust")).map(({ type }) => type)
        expect([...new Set(types)]).toEqual(["PoolSized", "PoolCircuitOpened", "PoolCircuitClosed"])
      })
    })
  )

  live("goes on soon after a spawner is lost with all that it was making", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* system({ target: 4 })
        yield* settled(it, { idle: 4 })
        script.creating = Effect.fail(loss)
        script.lose()
        yield* becomes(Effect.map(it.status, ({ idle, spawning }) => idle + spawning === 0))
        script.creating = Effect.void
        yield* Effect.timeout(settled(it, { idle: 4, busy: 0 }), "1 second")
      })
    )
  )

  live("sizes the pool when the log is back", () =>
    inScript((_, world) => {
      world.faults.plan("PoolSized", "no", 1)
      return Effect.gen(function* () {
        yield* system()
        yield* becomes(Effect.map(told("pool/zerotrust"), (rows) => rows.length === 1))
      })
    })
  )

  live("starts anew with what it has when its supervisor restarts it", () =>
    inScript((script, world) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        world.faults.plan("PoolCircuitOpened", "unknown", 1)
        const it = yield* Scope.extend(system(), scope)
        yield* settled(it, full)
        script.creating = Effect.fail(refusal)
        for (const box of script.alive) box.end("died")
        // Its actor crashed on the way; a supervisor would run it again, as here.
        yield* becomes(Effect.map(it.status, ({ circuit }) => circuit === "open"))
        script.creating = Effect.void
        for (const { pool, run } of it.runs)
          if (pool === "zerotrust") yield* Effect.forkIn(Effect.retry(run, Schedule.forever), scope)
        yield* settled(it, full)
        expect((yield* told("pool/zerotrust")).map(({ type }) => type)).toEqual(["PoolSized"])
        yield* Scope.close(scope, Exit.void)
      })
    )
  )
})
