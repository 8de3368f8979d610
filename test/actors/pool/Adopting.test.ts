/** Containers that outlive their control plane: kept, left, found, adopted; or nobody's, and ended. */
import { Effect, Either, Exit, Fiber, type Layer, Scope } from "effect"
import { describe, expect } from "vitest"
import { recover } from "../../../actors/node/Recovery.js"
import type { Claim, Claimed } from "../../../actors/pool/Pools.js"
import { ServiceId, SessionId } from "../../../events/Ids.js"
import { EventLog } from "../../../src/log/EventLog.js"
import * as H from "../../support/history.js"
import { live } from "../../support/it.js"
import { directory } from "../../support/storage.js"
import { claim, full, held, settled } from "../claims.js"
import { refusal, Script } from "../scripted.js"
import { ann, becomes, inScript, limits, type Size, system, told, World } from "../world.js"

const service = ServiceId.make("unsb-service-0123456789abcdef")
const mine: Claim = { claimant: { _tag: "Service", service }, owner: ann, limits }
const session = SessionId.make(`unsb-session-${"a".repeat(32)}`)
const others: Claim = { ...mine, claimant: { _tag: "Session", session } }

const forEver = () => Effect.never

type Given = Layer.Layer.Success<ReturnType<World["layer"]>>

/** One control plane after the other, over the same data and the same substrate. */
const lives = Effect.map(directory, (data) => {
  const script = new Script()
  const during = <A, E>(body: Effect.Effect<A, E, Given | Scope.Scope>) =>
    Effect.provide(Effect.scoped(body), new World().layer(data, script.layer))
  /** Stopped in order: who holds a kept container leaves it. */
  const left = during(
    Effect.gen(function* () {
      const it = yield* system()
      yield* settled(it, full)
      const one = yield* held
      const body = (claimed: Claimed) =>
        Effect.zipRight(claimed.keep, one.body(claimed)).pipe(Effect.onInterrupt(() => claimed.leave))
      yield* Effect.forkScoped(it.pools.use("zerotrust", mine, body))
      return (yield* one.has).id
    })
  )
  return { script, during, left }
})

const started = (size: Partial<Size> = {}) =>
  Effect.gen(function* () {
    const { survivors, told } = yield* recover
    return { it: yield* system(size, survivors), told }
  })

const goneOf = (container: string) =>
  Effect.map(told("container/"), (rows) =>
    rows.filter(({ stream, type }) => stream === `container/${container}` && type === "ContainerGone")
  )

describe("a kept container", () => {
  live("goes on through a stop, is adopted by its claimer alone, and ends with it", () =>
    Effect.gen(function* () {
      const { during, left, script } = yield* lives
      const id = yield* left
      expect(script.alive).toHaveLength(1)
      yield* during(
        Effect.gen(function* () {
          const { it, told: facts } = yield* started()
          expect(facts).toMatchObject({ containersEnded: 0, containersKept: 1 })
          yield* settled(it, { ...full, busy: 1 })
          const wrong = yield* Effect.flip(it.pools.adopt(id, others, forEver))
          expect(wrong._tag).toBe("ContainerLost")
          const another = { ...mine, owner: H.owner("bob-0001") }
          expect((yield* Effect.flip(it.pools.adopt(id, another, forEver)))._tag).toBe("ContainerLost")

          const one = yield* held
          const adopting = yield* Effect.fork(it.pools.adopt(id, mine, one.body))
          const claimed = yield* one.has
          expect(claimed).toMatchObject({ id, frozen: false, launched: [] })
          expect(claimed.durable.facts.stream).toBe(`container/${id}`)
          expect(claimed.sealed.facts.container).toBe(id)
          expect(claimed.at).toBeGreaterThan(0)
          expect((yield* Effect.flip(it.pools.adopt(id, mine, forEver)))._tag).toBe("ContainerLost")
          yield* one.go
          yield* Fiber.join(adopting)
          yield* becomes(Effect.map(goneOf(id), ({ length }) => length === 1))
          expect((yield* goneOf(id))[0]?.data).toMatchObject({ ending: "finished", left: 0 })
          yield* settled(it, full)
        })
      )
      expect(script.alive).toEqual([])
    })
  )

  live("counts against what the pools may promise, also before it is adopted", () =>
    Effect.gen(function* () {
      const { during, left } = yield* lives
      const id = yield* left
      yield* during(
        Effect.gen(function* () {
          const { it } = yield* started({ capacityBytes: 2 * limits.memoryBytes, queueMillis: 200 })
          yield* settled(it, { ...full, busy: 1 })
          const refused = yield* Effect.flip(it.pools.use("zerotrust", claim(1, 2), forEver))
          expect(refused).toMatchObject({ point: "D10", reason: { code: "no_capacity" } })
          yield* it.pools.adopt(id, mine, () => Effect.void)
          yield* it.pools.use("zerotrust", claim(1, 2), () => Effect.void)
        })
      )
    })
  )

  live("that nobody adopts in time is destroyed, and its end told", () =>
    Effect.gen(function* () {
      const { during, left, script } = yield* lives
      const id = yield* left
      const [box] = script.alive
      yield* during(
        Effect.gen(function* () {
          const { it } = yield* started({ adoptedWithinMillis: 300 })
          yield* Effect.sleep("100 millis")
          expect(box?.over).toBe(false)
          yield* becomes(Effect.map(goneOf(id), ({ length }) => length === 1))
          expect((yield* goneOf(id))[0]?.data).toMatchObject({ ending: "control-plane-restart", left: 0 })
          expect((yield* Effect.flip(it.pools.adopt(id, mine, forEver)))._tag).toBe("ContainerLost")
          yield* settled(it, full)
        })
      )
    })
  )

  live("goes on through any number of starts that end before it is adopted", () =>
    Effect.gen(function* () {
      const { during, left, script } = yield* lives
      const id = yield* left
      for (const _ of [1, 2]) yield* during(started())
      expect(script.alive).toHaveLength(1)
      yield* during(
        Effect.gen(function* () {
          const { it } = yield* started()
          yield* it.pools.adopt(id, mine, ({ leave }) => leave)
          yield* settled(it, { ...full, busy: 1 })
        })
      )
      expect(script.alive).toHaveLength(1)
    })
  )

  live("is left again when its claimer is stopped before it has it", () =>
    Effect.gen(function* () {
      const { during, left, script } = yield* lives
      const id = yield* left
      yield* during(
        Effect.gen(function* () {
          const { it } = yield* started()
          let asked = false
          script.limiting = Effect.zipRight(
            Effect.sync(() => {
              asked = true
            }),
            Effect.never
          )
          const other = { ...mine, limits: { ...limits, pids: 128 } }
          const adopting = yield* Effect.fork(it.pools.adopt(id, other, forEver))
          yield* becomes(Effect.sync(() => asked))
          yield* Fiber.interrupt(adopting)
          script.limiting = Effect.void
        })
      )
      expect(script.alive).toHaveLength(1)
      yield* during(Effect.flatMap(started(), ({ it }) => it.pools.adopt(id, mine, () => Effect.void)))
      expect(script.alive).toHaveLength(0)
    })
  )

  live("that cannot get the limits of its claim ends", () =>
    Effect.gen(function* () {
      const { during, left, script } = yield* lives
      const id = yield* left
      yield* during(
        Effect.gen(function* () {
          const { it } = yield* started()
          script.limiting = Effect.fail(refusal)
          const other = { ...mine, limits: { ...limits, pids: 128 } }
          expect((yield* Effect.flip(it.pools.adopt(id, other, forEver)))._tag).toBe("ContainerLost")
          yield* becomes(Effect.map(goneOf(id), ({ length }) => length === 1))
        })
      )
    })
  )

  live("that dies while nobody has it is told, and cannot be adopted", () =>
    Effect.gen(function* () {
      const { during, left, script } = yield* lives
      const id = yield* left
      const [box] = script.alive
      yield* during(
        Effect.gen(function* () {
          const { it } = yield* started()
          yield* settled(it, { ...full, busy: 1 })
          box?.end("oom")
          yield* becomes(Effect.map(goneOf(id), ({ length }) => length === 1))
          expect((yield* goneOf(id))[0]?.data).toMatchObject({ ending: "oom" })
          expect((yield* Effect.flip(it.pools.adopt(id, mine, forEver)))._tag).toBe("ContainerLost")
          yield* settled(it, full)
        })
      )
    })
  )

  live("that died while no control plane was there is ended by the next", () =>
    Effect.gen(function* () {
      const { during, left, script } = yield* lives
      const id = yield* left
      script.alive[0]?.end("died")
      yield* during(
        Effect.gen(function* () {
          const { told: facts } = yield* started()
          expect(facts).toMatchObject({ containersEnded: 1, containersKept: 0 })
          expect((yield* goneOf(id))[0]?.data).toMatchObject({ ending: "control-plane-restart" })
        })
      )
    })
  )

  live("whose end the log has, or that a job had, is nobody's: destroyed at once", () =>
    Effect.gen(function* () {
      const { during, script } = yield* lives
      yield* during(
        Effect.gen(function* () {
          const log = yield* EventLog
          yield* log.append(H.ofContainer(1, 0, H.sealed(1), H.claimed(1, ann)))
          yield* log.append(H.ofContainer(2, 0, H.sealed(2), H.gone(2)))
        })
      )
      const keep = ({ n }: { readonly n: number }) => script.box(limits).keep(H.containerId(n))
      yield* Effect.forEach([{ n: 1 }, { n: 2 }, { n: 3 }], keep)
      yield* during(
        Effect.gen(function* () {
          const { told: facts } = yield* started({ target: 0 })
          expect(facts).toMatchObject({ containersEnded: 1, containersKept: 0 })
          expect(script.alive).toEqual([])
          expect((yield* goneOf(H.containerId(1)))[0]?.data).toMatchObject({ left: 0, peakBytes: 1 })
        })
      )
    })
  )

  live("that is not sealed any more is refused, destroyed and told", () =>
    Effect.gen(function* () {
      const { during, left, script } = yield* lives
      const id = yield* left
      const [box] = script.alive
      if (box !== undefined) box.limits = { ...limits, pids: 0 }
      yield* during(
        Effect.gen(function* () {
          const { it } = yield* started()
          expect((yield* Effect.flip(it.pools.adopt(id, mine, forEver)))._tag).toBe("ContainerLost")
          yield* becomes(Effect.map(goneOf(id), ({ length }) => length === 1))
          expect((yield* goneOf(id))[0]?.data).toMatchObject({ ending: "unsealed" })
          expect(box?.over).toBe(true)
        })
      )
    })
  )
})

describe("a container in its claimer's hands", () => {
  live("that was kept is destroyed all the same when it is not left", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* system()
        yield* settled(it, full)
        yield* it.pools.use("zerotrust", mine, ({ keep }) => keep)
        yield* settled(it, full)
        expect(script.alive).toHaveLength(2)
      })
    )
  )

  live("that is left without being kept is destroyed all the same", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* system()
        yield* settled(it, full)
        script.keeping = Effect.fail(refusal)
        yield* it.pools.use("zerotrust", mine, ({ keep, leave }) => Effect.zipRight(Effect.ignore(keep), leave))
        yield* settled(it, full)
        expect(script.alive).toHaveLength(2)
      })
    )
  )

  live("that is kept dies with a stop when nobody leaves it", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const it = yield* Scope.extend(system(), scope)
        yield* settled(it, full)
        const one = yield* held
        const body = (claimed: Claimed) => Effect.zipRight(claimed.keep, one.body(claimed))
        const using = yield* Effect.fork(it.pools.use("zerotrust", mine, body))
        yield* one.has
        yield* Scope.close(scope, Exit.void)
        expect(script.alive).toEqual([])
        yield* Fiber.interrupt(using)
      })
    )
  )

  live("gets other limits while it runs, as far as the pools can promise them", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* system({ capacityBytes: 4 * limits.memoryBytes })
        yield* settled(it, full)
        const times = (n: number) => ({ ...limits, memoryBytes: n * limits.memoryBytes })
        const body = ({ id, limit }: Claimed) =>
          Effect.gen(function* () {
            const sealed = yield* limit(times(3))
            expect(sealed.facts).toMatchObject({ container: id, limits: times(3) })
            const other = (vcpu: number) =>
              Effect.either(
                Effect.timeoutOption(
                  it.pools.use("zerotrust", claim(1, vcpu), () => Effect.void),
                  "200 millis"
                )
              )
            expect(yield* Effect.flip(limit(times(5)))).toMatchObject({ reason: { code: "no_capacity" } })
            expect(yield* other(2)).toMatchObject(Either.right({ _tag: "None" }))
            script.limiting = Effect.fail(refusal)
            expect(yield* Effect.flip(limit(times(1)))).toBe(refusal)
            // What came of that is not known: it may still use as much as before.
            expect(yield* other(2)).toMatchObject(Either.right({ _tag: "None" }))
            script.limiting = Effect.void
            yield* limit(times(1))
            expect(yield* other(2)).toMatchObject(Either.right({ _tag: "Some" }))
          })
        yield* it.pools.use("zerotrust", mine, body)
        yield* settled(it, full)
      })
    )
  )
})
