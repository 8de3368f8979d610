/** The small parts that services are made of. */
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { describe, expect, it } from "vitest"
import { Mutex } from "../../../actors/Mutex.js"
import { isStartupMillis, Restarts } from "../../../actors/service/Restarts.js"
import { Stillness } from "../../../actors/service/Stillness.js"
import { live } from "../../support/it.js"
import { another, service } from "./facts.js"

describe("restarts", () => {
  it("wait longer each time, and give up after six in ten minutes", () => {
    const restarts = new Restarts()
    const pauses = Array.from({ length: 7 }, (_, n) => {
      restarts.running(n * 1_000)
      return restarts.after(n * 1_000 + 500)
    })
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, undefined])
  })

  it("begin anew once it ran steadily", () => {
    const restarts = new Restarts()
    expect([restarts.after(0), restarts.after(1)]).toEqual([1_000, 2_000])
    restarts.running(10)
    expect(restarts.after(60_010)).toBe(1_000)
  })

  it("never wait more than a minute, however often what it needs is not to be had", () => {
    const restarts = new Restarts()
    const pauses = Array.from({ length: 20 }, () => restarts.later())
    expect(Math.max(...pauses)).toBe(60_000)
  })

  it("tell a bootstrap that failed from a program that ended", () =>
    expect([isStartupMillis(59_999), isStartupMillis(60_000)]).toEqual([true, false]))
})

describe("a mutex", () => {
  live("lets one in at a time for each name, and others beside", () =>
    Effect.gen(function* () {
      const mutex = new Mutex()
      const gate = yield* Deferred.make<void>()
      const seen: Array<string> = []
      const step = (name: string, what: string, wait: Effect.Effect<void>) =>
        mutex.of(name)(
          Effect.zipRight(
            Effect.sync(() => void seen.push(what)),
            wait
          )
        )
      const first = yield* Effect.fork(step("a", "a1", Deferred.await(gate)))
      yield* Effect.yieldNow()
      const second = yield* Effect.fork(step("a", "a2", Effect.void))
      yield* step("b", "b1", Effect.void)
      expect(seen).toEqual(["a1", "b1"])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.joinAll([first, second])
      expect(seen).toEqual(["a1", "b1", "a2"])
    })
  )
})

describe("stillness", () => {
  live("holds one service until everybody who asked for it is done", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const stillness = new Stillness((one) => told.push(one))
      const [one, two] = [yield* Scope.make(), yield* Scope.make()]
      yield* Scope.extend(stillness.hold(service), one)
      yield* Scope.extend(stillness.hold(service), two)
      expect([stillness.holds(service), stillness.holds(another)]).toEqual([true, false])
      const over = yield* Effect.fork(stillness.over(service))
      yield* Scope.close(one, Exit.void)
      expect(stillness.holds(service)).toBe(true)
      yield* Scope.close(two, Exit.void)
      yield* Fiber.join(over)
      expect(stillness.holds(service)).toBe(false)
      expect(told).toHaveLength(4)
    })
  )
})
