import { Deferred, Duration, Effect, Exit, Fiber, Scope } from "effect"
import fc from "fast-check"
import { describe, expect } from "vitest"
import { ContainerTable } from "../../../src/projections/ContainerTable.js"
import { live } from "../../support/it.js"
import { claim, full, held, settled } from "../claims.js"
import { refusal } from "../scripted.js"
import { becomes, inScript, limits, system, told } from "../world.js"

describe("a warm pool", () => {
  live("spawns before it is asked, and replaces what it hands out before that is used", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* system()
        yield* settled(it, full)
        const one = yield* held
        const claiming = yield* Effect.fork(it.pools.use("zerotrust", claim(1), one.body))
        const { durable, id } = yield* one.has
        expect(durable.facts.stream).toBe(`container/${id}`)
        yield* settled(it, { ...full, busy: 1 })
        yield* one.go
        yield* Fiber.join(claiming)
        yield* settled(it, full)
        expect(script.alive).toHaveLength(2)
      })
    )
  )

  live("never has more than its maximum, nor promises more than its capacity", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* system({ maximum: 3, capacityBytes: 2 * limits.memoryBytes })
        let [most, inside, peak] = [0, 0, 0]
        const body = () =>
          Effect.gen(function* () {
            inside += 1
            peak = Math.max(peak, inside)
            most = Math.max(most, script.alive.length)
            yield* Effect.sleep("2 millis")
            inside -= 1
          })
        yield* Effect.forEach(
          Array.from({ length: 30 }, (_, n) => n),
          (n) => it.pools.use("zerotrust", claim(n), body),
          {
            concurrency: "unbounded"
          }
        )
        expect(peak).toBeLessThanOrEqual(2)
        expect(most).toBeLessThanOrEqual(3)
        yield* settled(it, full)
      })
    )
  )

  live("shares its memory with the other: both together promise no more than there is, and both are served", () =>
    inScript(() =>
      Effect.gen(function* () {
        const it = yield* system({ semitrusted: 3, maximum: 3, target: 3, capacityBytes: 3 * limits.memoryBytes })
        yield* becomes(Effect.map(it.pools.status, (all) => all.every(({ idle }) => idle === 3)))
        let [inside, peak] = [0, 0]
        const body = (vcpu: number) =>
          Effect.acquireUseRelease(
            Effect.sync(() => {
              inside += vcpu
              peak = Math.max(peak, inside)
            }),
            () => Effect.sleep("2 millis"),
            () =>
              Effect.sync(() => {
                inside -= vcpu
              })
          )
        yield* Effect.forEach(
          Array.from({ length: 60 }, (_, n) => n),
          (n) => {
            const vcpu = 1 + (n % 3)
            return it.pools.use(n % 4 === 0 ? "semitrusted" : "zerotrust", claim(n, vcpu), () => body(vcpu))
          },
          { concurrency: "unbounded", discard: true }
        )
        expect(peak).toBe(3)
      })
    )
  )

  live("replaces a container that dies idle, and hands out no dead one while the log is slow", () =>
    inScript((script, world) =>
      Effect.gen(function* () {
        const it = yield* system()
        yield* settled(it, full)
        world.faults.before = (tag) => (tag === "ContainerGone" ? Effect.sleep("200 millis") : Effect.void)
        for (const box of script.alive) box.end("died")
        yield* Effect.yieldNow()
        const got = yield* it.pools.use("zerotrust", claim(1), ({ container }) =>
          container.run({ argv: [], env: {}, cwd: "/tmp", files: [], timeoutMillis: 1, outputCap: 1, final: true })
        )
        expect(got.how).toBe("exited")
        yield* settled(it, full)
        const endings = Effect.map(told("container/"), (rows) => rows.map(({ data }) => Reflect.get(data, "ending")))
        yield* becomes(Effect.map(endings, (all) => all.filter((ending) => ending === "died").length === 2))
      })
    )
  )

  live("refuses who has waited too long, and what can never fit", () =>
    inScript(() =>
      Effect.gen(function* () {
        const it = yield* system({ target: 1, maximum: 1, queueMillis: 150 })
        const one = yield* held
        yield* Effect.fork(it.pools.use("zerotrust", claim(1), one.body))
        yield* one.has
        const body = () => Effect.void
        expect(yield* Effect.flip(it.pools.use("zerotrust", claim(2), body))).toMatchObject({
          reason: { code: "no_capacity" }
        })
        expect(yield* Effect.flip(it.pools.use("zerotrust", claim(3, 100), body))).toMatchObject({
          reason: { code: "exceeds_capacity" }
        })
        yield* settled(it, { busy: 1, waiting: 0 })
        yield* one.go
      })
    )
  )

  live("that is off refuses, and the refusal is told", () =>
    inScript((_, world) =>
      Effect.gen(function* () {
        const it = yield* system()
        const refused = yield* Effect.flip(it.pools.use("semitrusted", claim(1), () => Effect.void))
        expect(refused).toMatchObject({ point: "D14", reason: { code: "network_mode_unavailable" } })
        expect(world.refused).toEqual([refused])
      })
    )
  )

  live("keeps its counts and its containers, whenever its claimers are interrupted", () =>
    inScript((script, world) => {
      script.limiting = Effect.sleep("1 millis")
      return Effect.gen(function* () {
        const it = yield* system()
        world.faults.before = () => Effect.sleep("1 millis")
        const plans = fc.sample(fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 8, maxLength: 8 }), 15)
        for (const plan of plans) {
          const claimers = yield* Effect.forEach(plan, (_, n) =>
            Effect.fork(it.pools.use("zerotrust", claim(n, 1 + (n % 2)), () => Effect.sleep("3 millis")))
          )
          yield* Effect.forEach(
            claimers,
            (claimer, n) => Effect.delay(Fiber.interrupt(claimer), `${plan[n] ?? 0} millis`),
            { concurrency: "unbounded" }
          )
        }
        yield* settled(it, full)
        expect(script.alive).toHaveLength(2)
        yield* becomes(Effect.map(it.actors.size, (size) => size === 2))
        expect(yield* (yield* ContainerTable).living).toHaveLength(2)
      })
    })
  )

  live("ends what it spawned for those who left, once it is calm, and never goes below its target", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* system({ target: 1, maximum: 6, capacityBytes: 6 * limits.memoryBytes })
        yield* settled(it, { idle: 1 })
        const gate = yield* Deferred.make<void>()
        script.creating = Deferred.await(gate)
        const claimers = yield* Effect.forEach([1, 2, 3, 4, 5], (n) =>
          Effect.fork(it.pools.use("zerotrust", claim(n), () => Effect.never))
        )
        yield* settled(it, { busy: 1, waiting: 4, spawning: 4 })
        yield* Effect.forEach(claimers, Fiber.interrupt, { discard: true })
        yield* Deferred.succeed(gate, undefined)
        yield* settled(it, { idle: 4, spawning: 0, busy: 0 })
        const [took] = yield* Effect.timed(becomes(Effect.map(it.status, ({ idle }) => idle < 4)))
        expect(Duration.toMillis(took)).toBeGreaterThan(1_000)
        yield* settled(it, { idle: 1, spawning: 0, lingering: 0 })
        expect(script.alive).toHaveLength(1)
        const endings = Effect.map(told("container/"), (rows) => rows.map(({ data }) => Reflect.get(data, "ending")))
        yield* becomes(Effect.map(endings, (all) => all.filter((ending) => ending === "surplus").length === 3))
      })
    )
  )

  live("destroys at once what could not be claimed, and lets another be tried", () =>
    inScript((script, world) =>
      Effect.gen(function* () {
        const it = yield* system()
        yield* settled(it, full)
        for (const kind of ["no", "unknown", "written"] as const) {
          world.faults.plan("ContainerClaimed", kind)
          const failed = yield* Effect.flip(it.pools.use("zerotrust", claim(1), () => Effect.void))
          expect(failed._tag).toBe(kind === "no" ? "LogUnavailable" : "ContainerLost")
        }
        script.limiting = Effect.fail(refusal)
        expect(yield* Effect.flip(it.pools.use("zerotrust", claim(1, 2), () => Effect.void))).toMatchObject({
          _tag: "ContainerLost",
          reason: "SubstrateFailed: no memory"
        })
        yield* settled(it, full)
        expect(script.alive).toHaveLength(2)
        yield* becomes(
          Effect.map(Effect.flatten(Effect.map(ContainerTable, ({ living }) => living)), (l) => l.length === 2)
        )
      })
    )
  )

  live("waits for nothing when it stops: no pause, no claimer, no container outlives it", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const it = yield* Scope.extend(system(), scope)
        yield* settled(it, full)
        const one = yield* held
        const claiming = yield* Effect.fork(it.pools.use("zerotrust", claim(1), one.body))
        yield* one.has
        script.creating = Effect.fail(refusal)
        for (const box of script.alive) box.end("died")
        yield* becomes(Effect.map(it.status, ({ circuit }) => circuit === "open"))
        yield* Effect.timeout(Scope.close(scope, Exit.void), "300 millis")
        expect(script.alive).toEqual([])
        yield* Fiber.interrupt(claiming)
      })
    )
  )
})
