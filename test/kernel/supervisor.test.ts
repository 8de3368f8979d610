import { Cause, Deferred, Effect, Exit, Fiber, Option, Ref, TestClock } from "effect"
import { describe, expect } from "vitest"
import { type ChildSpec, GaveUp, nested, type Spec, supervise } from "../../src/kernel/Supervisor.js"
import { Tree } from "../../src/kernel/Tree.js"
import type { Witness } from "../../src/kernel/Witness.js"
import { effect } from "../support/it.js"
import { settle, Ward } from "./Ward.js"

const spec = (children: ReadonlyArray<ChildSpec>, more: Partial<Spec> = {}): Spec => ({
  name: "root",
  strategy: "one_for_one",
  intensity: 3,
  period: "10 seconds",
  children,
  ...more
})

/** Starts a supervisor and lets it settle. */
const started = (root: Spec, ward: Ward) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkScoped(Effect.provide(supervise(root), ward.layer))
    yield* settle
    return fiber
  })

const outcome = (fiber: Fiber.Fiber<never, GaveUp>) =>
  Effect.map(Fiber.poll(fiber), (polled) =>
    Option.match(polled, {
      onNone: () => "running",
      onSome: (exit) =>
        Exit.isSuccess(exit) ? "ended" : Cause.isInterruptedOnly(exit.cause) ? "interrupted" : "failed"
    })
  )

const abc = (ward: Ward, b: Partial<ChildSpec> = {}) => [ward.child("a"), ward.child("b", b), ward.child("c")]

describe("strategies and kinds of restart", () => {
  const crashes = {
    one_for_one: { permanent: "-b +b", transient: "-b +b", temporary: "-b" },
    one_for_all: { permanent: "-b -c -a +a +b +c", transient: "-b -c -a +a +b +c", temporary: "-b" },
    rest_for_one: { permanent: "-b -c +b +c", transient: "-b -c +b +c", temporary: "-b" }
  } as const
  const strategies = ["one_for_one", "one_for_all", "rest_for_one"] as const
  const kinds = ["permanent", "transient", "temporary"] as const
  for (const strategy of strategies)
    for (const restart of kinds)
      for (const ending of ["crash", "finish"] as const) {
        const expected = ending === "finish" && restart === "transient" ? "-b" : crashes[strategy][restart]
        effect(`${strategy}, a ${restart} child's ${ending}: ${expected}`, () =>
          Effect.gen(function* () {
            const ward = new Ward()
            yield* started(spec(abc(ward, { restart }), { strategy }), ward)
            expect(ward.look()).toBe("+a +b +c")
            yield* ward[ending]("b")
            expect(ward.look()).toBe(expected)
          })
        )
      }

  effect("a defect and an interruption that nobody asked for are crashes", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const starts = yield* Ref.make(0)
      const once = (effect: Effect.Effect<void>) =>
        Effect.flatMap(
          Ref.updateAndGet(starts, (n) => n + 1),
          (n) => (n % 2 === 1 ? effect : Effect.never)
        )
      for (const bad of [Effect.dieMessage("defect"), Effect.interrupt])
        yield* started(spec([ward.child("a", { restart: "transient", start: once(bad) })]), ward)
      expect(yield* Ref.get(starts)).toBe(4)
      expect(ward.events.flatMap((event) => (event._tag === "ChildCrashed" ? event.reason : []))).toEqual([
        "defect",
        expect.stringContaining("interrupted")
      ])
    })
  )

  effect(
    "a temporary sibling that one_for_all stopped stays stopped; a transient one that ended well starts again",
    () =>
      Effect.gen(function* () {
        const ward = new Ward()
        const children = [
          ward.child("a", { restart: "temporary" }),
          ward.child("b", { restart: "transient" }),
          ward.child("c")
        ]
        yield* started(spec(children, { strategy: "one_for_all" }), ward)
        yield* ward.finish("b")
        expect(ward.look()).toBe("+a +b +c -b")
        yield* ward.crash("c")
        expect(ward.look()).toBe("-c -a +b +c")
      })
  )

  effect("siblings that crash at the same moment are one restart when they go together, two when they do not", () =>
    Effect.gen(function* () {
      for (const [strategy, intensity] of [
        ["one_for_all", 1],
        ["one_for_one", 2]
      ] as const) {
        const ward = new Ward()
        const doom = yield* Deferred.make<void, Error>()
        const lives = yield* Ref.make(0)
        const fragile = Effect.flatMap(
          Ref.updateAndGet(lives, (n) => n + 1),
          (n) => (n <= 2 ? Deferred.await(doom) : Effect.never)
        )
        const children = [ward.child("a", { start: fragile }), ward.child("b", { start: fragile })]
        const fiber = yield* started(spec(children, { strategy, intensity }), ward)
        yield* Deferred.fail(doom, new Error("both"))
        yield* settle
        expect(yield* outcome(fiber)).toBe("running")
        expect(yield* Ref.get(lives)).toBe(4)
        expect(ward.events.filter((event) => event._tag === "ChildCrashed")).toHaveLength(2)
      }
    })
  )

  effect("lives on when all its children ended for good", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const fiber = yield* started(spec([ward.child("a", { restart: "temporary" })]), ward)
      yield* ward.finish("a")
      expect(yield* outcome(fiber)).toBe("running")
    })
  )
})

describe("intensity and period", () => {
  const times = (ward: Ward, seconds: ReadonlyArray<number>) =>
    Effect.gen(function* () {
      const fiber = yield* started(spec([ward.child("a")], { intensity: 2, period: "10 seconds" }), ward)
      let now = 0
      for (const at of seconds) {
        yield* TestClock.adjust(`${at - now} seconds`)
        now = at
        yield* ward.crash("a")
      }
      return yield* outcome(fiber)
    })

  for (const [seconds, expected] of [
    [[0, 1], "running"],
    [[0, 1, 2], "failed"],
    [[0, 1, 10], "failed"],
    [[0, 1, 11], "running"],
    [[0, 1, 10.5, 11], "failed"],
    [[0, 1, 10.5, 11.001], "running"],
    [[0, 10.001, 20.002, 30.003, 40.004], "running"]
  ] as const)
    effect(`2 in 10 seconds, crashes at ${seconds.join(", ")} s: ${expected}`, () =>
      Effect.gen(function* () {
        expect(yield* times(new Ward(), seconds)).toBe(expected)
      })
    )

  effect("an intensity of 0 gives up at the first crash, with its reason, and stops the others", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const fiber = yield* started(spec(abc(ward), { intensity: 0 }), ward)
      yield* ward.crash("b")
      const error = yield* Effect.flip(Fiber.join(fiber))
      expect(error).toBeInstanceOf(GaveUp)
      expect(error).toMatchObject({ path: "root", child: "b", restarts: 0, reason: "b broke" })
      expect(ward.look()).toBe("+a +b +c -b -c -a")
      expect(ward.told()).toEqual([
        ...["Started root/a", "Started root/b", "Started root/c"],
        ...["Crashed root/b", "SupervisorGaveUp root", "Stopped root/c", "Stopped root/a"]
      ])
    })
  )

  effect("backs off, doubling up to its maximum, and serves the others meanwhile", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const backoff = { first: "1 second", max: "3 seconds" } as const
      yield* started(spec(abc(ward), { intensity: 9, period: "1 hour", backoff }), ward)
      ward.look()
      for (const seconds of [1, 2, 3, 3]) {
        yield* ward.crash("b")
        expect(ward.look()).toBe("-b")
        yield* TestClock.adjust(seconds * 1_000 - 1)
        expect(ward.look()).toBe("")
        yield* TestClock.adjust(1)
        expect(ward.look()).toBe("+b")
      }
      yield* ward.crash("b")
      yield* TestClock.adjust("1 second")
      yield* ward.crash("a")
      yield* TestClock.adjust("2 seconds")
      expect(ward.look()).toBe("-b -a +b")
      yield* TestClock.adjust("1 second")
      expect(ward.look()).toBe("+a")
    })
  )
})

describe("escalation", () => {
  effect("a supervisor that gives up is its parent's crash; the parent restarts it, then gives up too", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const inner = nested({ ...spec([ward.child("x"), ward.child("y")], { intensity: 1 }), name: "inner" })
      const outer: Spec<Tree | Witness> = { ...spec([]), intensity: 1, children: [ward.child("a"), inner] }
      const fiber = yield* Effect.forkScoped(Effect.provide(supervise(outer), ward.layer))
      yield* settle
      expect(ward.look()).toBe("+a +x +y")
      yield* ward.crash("x")
      expect(ward.look()).toBe("-x +x")
      ward.told()
      yield* ward.crash("x")
      // The fresh inner supervisor counts from nothing.
      expect(ward.look()).toBe("-x -y +x +y")
      expect(ward.told()).toEqual([
        ...["Crashed root/inner/x", "SupervisorGaveUp root/inner", "Stopped root/inner/y"],
        ...["Crashed root/inner", "Restarted root/inner", "Started root/inner/x", "Started root/inner/y"]
      ])
      yield* ward.crash("x")
      expect(yield* outcome(fiber)).toBe("running")
      yield* ward.crash("x")
      const error = yield* Effect.flip(Fiber.join(fiber))
      expect(error).toMatchObject({ path: "root", child: "inner", restarts: 1 })
      expect(error.reason).toContain("root/inner gave up on x after 1 restarts: x broke")
      expect(ward.look()).toBe("-x +x -x -y -a")
    })
  )
})

describe("order", () => {
  effect("starts left to right, each when the one before is ready; stops right to left", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const ready = yield* Deferred.make<void>()
      const slow = ward.child("b", { ready: Deferred.await(ready) })
      const fiber = yield* started(spec([ward.child("a"), slow, ward.child("c")]), ward)
      expect(ward.look()).toBe("+a +b")
      yield* Deferred.succeed(ready, undefined)
      yield* settle
      expect(ward.look()).toBe("+c")
      yield* Fiber.interrupt(fiber)
      expect(ward.look()).toBe("-c -b -a")
      expect(ward.told()).toEqual([
        "Started root/a",
        "Started root/b",
        "Started root/c",
        "Stopped root/c",
        "Stopped root/b",
        "Stopped root/a"
      ])
    })
  )

  effect("not ready in time, or failing to be ready, is a crash", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const never = ward.child("a", { ready: Effect.never, readyWithin: "2 seconds" })
      const fiber = yield* started(spec([never, ward.child("b")], { intensity: 1 }), ward)
      yield* TestClock.adjust("1999 millis")
      expect(ward.look()).toBe("+a")
      yield* TestClock.adjust("1 millis")
      yield* settle
      expect(ward.look()).toBe("-a +a")
      yield* TestClock.adjust("2 seconds")
      expect((yield* Effect.flip(Fiber.join(fiber))).reason).toContain("not ready within 2s")

      const failing = ward.child("a", { ready: Effect.fail(new Error("no port")) })
      const second = yield* started(spec([failing], { intensity: 0 }), ward)
      expect((yield* Effect.flip(Fiber.join(second))).reason).toContain("no port")
    })
  )

  effect("a crash while a sibling gets ready does not wait for it", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const slow = ward.child("b", { ready: Effect.never })
      yield* started(spec([ward.child("a"), slow], { strategy: "rest_for_one" }), ward)
      yield* ward.crash("a")
      expect(ward.look()).toBe("+a +b -a -b +a +b")
    })
  )

  effect("a restart under rest_for_one waits for readiness again", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const slow = ward.child("a", { ready: Effect.sleep("1 second") })
      yield* started(spec([slow, ward.child("b")], { strategy: "rest_for_one" }), ward)
      yield* TestClock.adjust("1 second")
      yield* settle
      yield* ward.crash("a")
      expect(ward.look()).toBe("+a +b -a -b +a")
      yield* TestClock.adjust("1 second")
      yield* settle
      expect(ward.look()).toBe("+b")
    })
  )

  effect("closes a child's scope at each end, before it starts again", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const held = Effect.acquireRelease(
        Effect.sync(() => void ward.happened.push("open")),
        () => Effect.sync(() => void ward.happened.push("close"))
      )
      const fiber = yield* started(spec([ward.child("a", { start: Effect.zipRight(held, ward.life("a")) })]), ward)
      yield* ward.crash("a")
      yield* Fiber.interrupt(fiber)
      expect(ward.look()).toBe("open +a -a close open +a -a close")
    })
  )
})

describe("shutdown", () => {
  effect(
    "abandons a child that ignores interruption, after its deadline and with an event; the others still stop",
    () =>
      Effect.gen(function* () {
        const ward = new Ward()
        const stubborn = ward.child("b", { start: Effect.uninterruptible(Effect.never), shutdown: "3 seconds" })
        const fiber = yield* started(spec([ward.child("a"), stubborn, ward.child("c")]), ward)
        const stop = yield* Effect.fork(Fiber.interrupt(fiber))
        yield* settle
        yield* TestClock.adjust("2999 millis")
        expect(ward.look()).toBe("+a +c -c")
        yield* TestClock.adjust("1 millis")
        yield* Fiber.join(stop)
        expect(ward.look()).toBe("-a")
        expect(ward.events.find((event) => event._tag === "ChildCrashed")).toMatchObject({
          path: "root/b",
          reason: "abandoned: it did not stop within 3s"
        })
      })
  )

  effect("does not wait for ever for the scope of a child that crashed", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      let times = 0
      const stuck = Effect.addFinalizer(() => (times++ === 0 ? Effect.never : Effect.void))
      const child = ward.child("a", { start: Effect.zipRight(stuck, ward.life("a")), shutdown: "1 second" })
      yield* started(spec([child]), ward)
      yield* ward.crash("a")
      expect(ward.look()).toBe("+a -a")
      yield* TestClock.adjust("1 second")
      yield* settle
      expect(ward.look()).toBe("+a")
    })
  )

  effect("does not listen to a life that it abandoned", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const stuck = ward.child("b", {
        start: Effect.uninterruptible(Effect.never),
        ready: Effect.sleep("10 seconds"),
        shutdown: "1 second"
      })
      yield* started(spec([ward.child("a"), stuck], { strategy: "one_for_all" }), ward)
      yield* ward.crash("a")
      yield* TestClock.adjust("1 second")
      yield* settle
      expect(ward.told()).toEqual(["Started root/a", "Crashed root/a", "Crashed root/b", "Restarted root/a"])
      // The first life's readiness comes at 10 seconds, the second's at 11.
      yield* TestClock.adjust("9500 millis")
      expect(ward.told()).toEqual([])
      yield* TestClock.adjust("500 millis")
      expect(ward.told()).toEqual(["Restarted root/b"])
      yield* Effect.addFinalizer(() => Effect.fork(TestClock.adjust("1 second")))
    })
  )

  effect("a nested supervisor gets as long as its children may take", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const stubborn = (name: string) =>
        ward.child(name, { start: Effect.uninterruptible(Effect.never), shutdown: "3 seconds" })
      const inner = nested({ ...spec([stubborn("x"), stubborn("y")]), name: "inner" })
      const root: Spec<Tree | Witness> = { ...spec([]), children: [inner] }
      const fiber = yield* Effect.forkScoped(Effect.provide(supervise(root), ward.layer))
      yield* settle
      const stop = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust("6 seconds")
      yield* Fiber.join(stop)
      expect(ward.told().filter((event) => event.startsWith("Crashed"))).toEqual([
        "Crashed root/inner/y",
        "Crashed root/inner/x"
      ])
    })
  )
})

describe("bad specs are refused before anything starts", () => {
  const bad: ReadonlyArray<readonly [string, (ward: Ward) => Spec]> = [
    ["name", (ward) => spec([ward.child("a")], { name: "a/b" })],
    ["whole number", (ward) => spec([ward.child("a")], { intensity: -1 })],
    ["whole number", (ward) => spec([ward.child("a")], { intensity: 1.5 })],
    ["period", (ward) => spec([ward.child("a")], { period: 0 })],
    ["period", (ward) => spec([ward.child("a")], { period: "Infinity" as "1 second" })],
    ["two children are named a", (ward) => spec([ward.child("a"), ward.child("a")])],
    ["child name", (ward) => spec([ward.child("")])],
    ["child name", (ward) => spec([ward.child("a b")])],
    ["shutdown of a", (ward) => spec([ward.child("a", { shutdown: Number.POSITIVE_INFINITY })])],
    ["readyWithin of a", (ward) => spec([ward.child("a", { readyWithin: 0 })])],
    ["backoff.max", (ward) => spec([ward.child("a")], { backoff: { first: "2 seconds", max: "1 second" } })],
    ["backoff.first", (ward) => spec([ward.child("a")], { backoff: { first: 0, max: "1 second" } })]
  ]
  for (const [index, [problem, make]] of bad.entries())
    effect(`${index + 1}: ${problem}`, () =>
      Effect.gen(function* () {
        const ward = new Ward()
        const exit = yield* Effect.exit(Effect.provide(supervise(make(ward)), ward.layer))
        expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toContain(problem)
        expect(ward.look()).toBe("")
      })
    )
})

describe("a path that is too long", () => {
  effect("is refused where it gets too long, and escalates", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const level = (letter: string, child: ChildSpec<Tree | Witness>): Spec<Tree | Witness> => ({
        ...spec([]),
        intensity: 0,
        name: letter.repeat(64),
        children: [child]
      })
      const inner = level("b", nested(level("c", nested(level("d", ward.child("e".repeat(64)))))))
      const fiber = yield* Effect.forkScoped(Effect.provide(supervise(inner), ward.layer))
      expect((yield* Effect.flip(Fiber.join(fiber))).reason).toContain("longer than 200 characters")
    })
  )
})

describe("the tree", () => {
  effect("shows supervisors and children, their states, restarts and since when", () =>
    Effect.gen(function* () {
      const ward = new Ward()
      const inner = nested({ ...spec([ward.child("x", { detail: () => "busy" })]), name: "inner" })
      const root: Spec<Tree | Witness> = {
        ...spec([]),
        children: [ward.child("a", { restart: "temporary" }), inner, ward.child("z", { ready: Effect.never })]
      }
      yield* Effect.gen(function* () {
        const tree = yield* Tree
        const fiber = yield* Effect.forkScoped(supervise(root))
        yield* settle
        yield* TestClock.adjust("1 second")
        yield* ward.crash("x")
        yield* ward.finish("a")
        const shown = yield* tree.snapshot
        expect(shown.map(({ kind, path, restarts, since, state }) => [path, kind, state, restarts, since])).toEqual([
          ["root", "supervisor", "running", 0, 0],
          ["root/a", "worker", "stopped", 0, 1_000],
          ["root/inner", "supervisor", "running", 0, 0],
          ["root/inner/x", "worker", "running", 1, 1_000],
          ["root/z", "worker", "starting", 0, 0]
        ])
        expect(shown.find(({ path }) => path === "root/inner/x")?.detail?.()).toBe("busy")
        yield* Fiber.interrupt(fiber)
        expect((yield* tree.snapshot).map(({ path, state }) => [path, state])).toEqual([["root", "stopped"]])
      }).pipe(Effect.provide(ward.layer))
    })
  )
})
