import { Deferred, Effect, Fiber, FiberId } from "effect"
import { describe, expect } from "vitest"
import * as HealthLive from "../../../actors/pool/HealthLive.js"
import { Pools } from "../../../actors/pool/Pools.js"
import { live } from "../../support/it.js"
import { full, settled } from "../claims.js"
import { ran } from "../scripted.js"
import { becomes, inScript, limits, system } from "../world.js"

describe("health", () => {
  live("is shown by a command that ran, and is not lost with whoever asked first", () =>
    inScript((script) => {
      const go = Deferred.unsafeMake<void>(FiberId.none)
      script.running = () => Effect.as(Deferred.await(go), ran)
      return Effect.gen(function* () {
        const it = yield* system()
        const check = yield* Effect.provideService(HealthLive.make("zerotrust", limits), Pools, it.pools)
        const first = yield* Effect.fork(check)
        yield* becomes(Effect.map(it.status, ({ busy }) => busy === 1))
        const second = yield* Effect.fork(check)
        const leaving = yield* Effect.fork(Fiber.interrupt(first))
        yield* Deferred.succeed(go, undefined)
        expect(yield* Fiber.join(second)).toMatchObject({ ok: true })
        yield* Fiber.join(leaving)
        expect(yield* check).toMatchObject({ ok: true })
        yield* settled(it, full)
        expect(script.boxes.length).toBeLessThanOrEqual(4)
      })
    })
  )
})
