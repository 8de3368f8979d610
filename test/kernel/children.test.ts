import { Cause, Deferred, Effect, Exit, Fiber, FiberRef, Scope, TestClock } from "effect"
import { describe, expect } from "vitest"
import * as Children from "../../src/kernel/Children.js"
import { here, Tree } from "../../src/kernel/Tree.js"
import { effect } from "../support/it.js"
import { settle, Ward } from "./Ward.js"

const options: Children.Options = {
  name: "jobs",
  bound: 3,
  restart: "transient",
  intensity: 2,
  period: "10 seconds",
  shutdown: "2 seconds"
}

const made = (ward: Ward, more: Partial<Children.Options> = {}) =>
  Effect.provide(Children.make({ ...options, ...more }), ward.layer)

describe("the many", () => {
  effect("run until they end; starts and ends are not told", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const jobs = yield* made(ward)
      expect(yield* jobs.start("a", ward.life("a"))).toBe(true)
      expect(yield* jobs.start("b", ward.life("b"))).toBe(true)
      yield* settle
      yield* ward.finish("a")
      expect(yield* jobs.names).toEqual(["b"])
      expect(ward.look()).toBe("+a +b -a")
      expect(ward.told()).toEqual([])
    })
  )

  effect("are bounded, and by one name there is one", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const jobs = yield* made(ward)
      expect(yield* jobs.start("a", Effect.never)).toBe(true)
      expect(yield* jobs.start("a", Effect.never)).toBe(false)
      yield* jobs.start("b", Effect.never)
      yield* jobs.start("c", Effect.never)
      expect(yield* jobs.start("d", Effect.never)).toBe(false)
      expect(yield* jobs.size).toBe(3)
      yield* jobs.stop("b")
      expect(yield* jobs.start("d", Effect.void)).toBe(true)
      yield* settle
      expect(yield* jobs.names).toEqual(["a", "c"])
    })
  )

  effect("a crash of one is told, restarts that one alone, and gives up on it beyond its intensity", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const given: Array<string> = []
      const onGiveUp = (name: string, cause: Cause.Cause<unknown>) =>
        Effect.sync(() => void given.push(`${name}: ${Cause.squash(cause)}`))
      const jobs = yield* made(ward, { onGiveUp })
      const ended: Array<string> = []
      yield* jobs.start(
        "a",
        ward.life("a"),
        Effect.sync(() => void ended.push("a"))
      )
      yield* jobs.start("b", ward.life("b"))
      yield* settle
      ward.look()
      yield* ward.crash("a")
      yield* ward.crash("a")
      expect(ward.look()).toBe("-a +a -a +a")
      expect(ended).toEqual([])
      yield* ward.crash("a", "worn out")
      expect(ward.look()).toBe("-a")
      expect(given).toEqual(["a: worn out"])
      expect(ended).toEqual(["a"])
      expect(yield* jobs.names).toEqual(["b"])
      expect(ward.events.map((event) => [event.of, event._tag])).toEqual([
        ...[
          ["jobs", "ChildCrashed"],
          ["jobs", "ChildRestarted"],
          ["jobs", "ChildCrashed"],
          ["jobs", "ChildRestarted"]
        ],
        ...[
          ["jobs", "ChildCrashed"],
          ["jobs", "SupervisorGaveUp"]
        ]
      ])
    })
  )

  effect("forgets crashes older than the period", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const jobs = yield* made(ward)
      yield* jobs.start("a", ward.life("a"))
      yield* settle
      for (let crash = 0; crash < 6; crash++) {
        yield* ward.crash("a")
        yield* TestClock.adjust("5001 millis")
      }
      expect(yield* jobs.names).toEqual(["a"])
    })
  )

  const backoff = { first: "100 millis", max: "250 millis" } as const

  effect("pauses before a restart, twice as long after each crash within the period, up to the bound", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const jobs = yield* made(ward, { backoff, intensity: 9 })
      yield* jobs.start("a", ward.life("a"))
      yield* jobs.start("b", ward.life("b"))
      yield* settle
      ward.look()
      for (const pause of [100, 200, 250, 250]) {
        yield* ward.crash("a")
        yield* TestClock.adjust(pause - 1)
        yield* settle
        expect(ward.look()).toBe("-a")
        expect(ward.told()).toEqual(["Crashed jobs/a"])
        expect(yield* jobs.names).toEqual(["a", "b"])
        yield* TestClock.adjust(1)
        yield* settle
        expect(ward.look()).toBe("+a")
        expect(ward.told()).toEqual(["Restarted jobs/a"])
      }
      yield* TestClock.adjust("10001 millis")
      yield* ward.crash("a")
      yield* TestClock.adjust("100 millis")
      yield* settle
      expect(ward.look()).toBe("-a +a")
      yield* ward.crash("b")
      yield* TestClock.adjust("100 millis")
      yield* settle
      expect(ward.look()).toBe("-b +b")
    })
  )

  effect("gives up without another pause", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const jobs = yield* made(ward, { backoff, intensity: 1 })
      yield* jobs.start("a", ward.life("a"))
      yield* settle
      yield* ward.crash("a")
      yield* TestClock.adjust("100 millis")
      yield* settle
      yield* ward.crash("a")
      expect(yield* jobs.size).toBe(0)
      expect(ward.told().at(-1)).toBe("SupervisorGaveUp jobs")
    })
  )

  effect("who is stopped while it pauses does not come back, and ends once", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const jobs = yield* made(ward, { backoff })
      yield* jobs.start(
        "a",
        ward.life("a"),
        Effect.sync(() => void ward.happened.push("ended a"))
      )
      yield* settle
      yield* ward.crash("a")
      yield* jobs.stop("a")
      yield* TestClock.adjust("1 seconds")
      yield* settle
      expect(ward.look()).toBe("+a -a ended a")
      expect(ward.told()).toEqual(["Crashed jobs/a"])
      expect(yield* jobs.size).toBe(0)
    })
  )

  effect("temporary: told, and over", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const jobs = yield* made(ward, { restart: "temporary" })
      yield* jobs.start("a", ward.life("a"))
      yield* settle
      yield* ward.crash("a", new Error("bad disk"))
      expect(yield* jobs.size).toBe(0)
      expect(ward.events).toEqual([{ _tag: "ChildCrashed", of: "jobs", path: "jobs/a", reason: "bad disk" }])
    })
  )

  effect("a stop is not a crash; it waits for finalizers and for `ended`", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const jobs = yield* made(ward)
      const ended = Effect.sync(() => void ward.happened.push("ended a"))
      yield* jobs.start("a", ward.life("a"), ended)
      yield* settle
      yield* jobs.stop("a")
      yield* jobs.stop("nobody")
      expect(ward.look()).toBe("+a -a ended a")
      expect(ward.told()).toEqual([])
    })
  )

  effect("abandons who does not stop within `shutdown`, and its name is free", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const jobs = yield* made(ward)
      yield* jobs.start("a", Effect.uninterruptible(Effect.never))
      const stop = yield* Effect.fork(jobs.stop("a"))
      yield* TestClock.adjust("1999 millis")
      expect(yield* jobs.size).toBe(1)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(stop)
      expect(ward.events).toMatchObject([{ path: "jobs/a", reason: "abandoned: it did not stop within 2s" }])
      expect(yield* jobs.start("a", Effect.never)).toBe(true)
    })
  )

  effect("when their scope closes all stop at once, within one `shutdown`, and nobody starts any more", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const scope = yield* Scope.make()
      const jobs = yield* Scope.extend(made(ward), scope)
      yield* jobs.start("a", ward.life("a"))
      yield* jobs.start("b", Effect.uninterruptible(Effect.never))
      yield* jobs.start("c", Effect.uninterruptible(Effect.never))
      yield* settle
      const close = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* settle
      expect(ward.look()).toBe("+a -a")
      expect(yield* jobs.start("d", Effect.never)).toBe(false)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(close)
      expect(yield* jobs.size).toBe(0)
    })
  )

  effect("outlive whoever started them, take nothing of it along, and can be stopped wherever they were made", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const ref = FiberRef.unsafeMake("nobody's")
      const seen = yield* Deferred.make<readonly [string, string]>()
      const jobs = yield* Effect.uninterruptible(Effect.locally(made(ward), here, "root/work"))
      const look = Effect.flatMap(Effect.all([FiberRef.get(ref), FiberRef.get(here)]), (both) =>
        Deferred.succeed(seen, both)
      )
      const request = Effect.locally(jobs.start("a", Effect.zipRight(look, Effect.never)), ref, "the request's")
      yield* Fiber.join(yield* Effect.fork(Effect.uninterruptible(request)))
      expect(yield* Deferred.await(seen)).toEqual(["nobody's", "root/work/jobs"])
      expect(yield* jobs.size).toBe(1)
      yield* jobs.stop("a")
      expect(ward.told()).toEqual([])
    })
  )

  effect("one node in the tree: how many of how many, and the names of twenty", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      yield* Effect.gen(function* () {
        const tree = yield* Tree
        const scope = yield* Scope.make()
        const jobs = yield* Scope.extend(Children.make({ ...options, bound: 100 }), scope)
        for (let i = 0; i < 30; i++) yield* jobs.start(`j${i}`, Effect.never)
        const [node, ...others] = yield* tree.snapshot
        expect(others).toEqual([])
        expect(node).toMatchObject({ path: "jobs", kind: "many", state: "running", restarts: 0 })
        expect(node?.detail?.()).toMatch(/^30 of 100: j0, j1, .*, j19$/)
        yield* Scope.close(scope, Exit.void)
        expect(yield* tree.snapshot).toEqual([])
      }).pipe(Effect.provide(ward.layer))
    })
  )
})
