/** Birth and death of containers, alone and in crowds. */
import { Array as Arr, Effect, Fiber } from "effect"
import { expect } from "vitest"
import { type Container, Substrate } from "../../../src/substrate/Substrate.js"
import { box, command, limits, type Suite, says, sh, text } from "../running.js"

const asked = { reason: "asked", left: 0 }

export const lifecycle: Suite = (test) => {
  test("destroys once, however often it is asked", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const goings = yield* Effect.all([container.destroy, container.destroy, container.destroy], { concurrency: 3 })
      for (const gone of [...goings, yield* container.destroy, yield* container.gone]) expect(gone).toMatchObject(asked)
    }))

  const states: Record<string, (container: Container) => Effect.Effect<unknown, unknown>> = {
    idle: () => Effect.void,
    running: (container) => Effect.fork(container.run(sh("sleep 1000"))),
    collecting: (container) =>
      Effect.zipRight(
        container.run(sh("mkdir out; for i in 1 2 3 4 5 6 7 8; do head -c 2000000 /dev/zero >out/$i; done")),
        Effect.fork(container.collect("/tmp/out", { files: 100, bytes: 1e9, exclude: [] }))
      )
  }
  for (const [state, reach] of Object.entries(states))
    test(`destroys it when it is ${state}`, () =>
      Effect.gen(function* () {
        const container = yield* box()
        yield* reach(container)
        expect(yield* container.destroy).toMatchObject(asked)
      }))

  test("kills the whole container when time is up, daemons too", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const script = "setsid sh -c 'trap \"\" TERM INT HUP; sleep 1000' & (setsid sleep 1000 &) ; sleep 1000"
      const ran = yield* container.run(sh(script, { timeoutMillis: 300 }))
      expect(ran).toMatchObject({ how: "timed-out" })
      expect(yield* container.gone).toMatchObject({ reason: "timed-out", left: 0 })
    }))

  test("ends a busy loop and a command that ignores every signal", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const ran = yield* container.run(sh("trap '' TERM INT HUP QUIT; while :; do :; done", { timeoutMillis: 300 }))
      expect(ran.how).toBe("timed-out")
      expect((yield* container.gone).left).toBe(0)
    }))

  test("goes with a final command, which still tells its end", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const ran = yield* container.run(sh("setsid sleep 1000 & echo last", { final: true }))
      expect(ran).toMatchObject({ how: "exited", code: 0 })
      expect(text(ran.stdout)).toBe("last\n")
      expect(yield* container.gone).toMatchObject(asked)
      expect(yield* container.destroy).toMatchObject(asked)
    }))

  test("does nothing for those who come too late", () =>
    Effect.gen(function* () {
      const container = yield* box()
      yield* container.destroy
      const late = [
        container.run(command(["true"])),
        container.limit(limits),
        container.freeze,
        container.unfreeze,
        container.collect("/tmp/x", { files: 1, bytes: 1, exclude: [] }),
        Effect.scoped(container.start(command(["true"]), { stdin: false }))
      ]
      for (const attempt of late) expect((yield* Effect.flip(attempt))._tag).toBe("SubstrateFailed")
    }))

  test("keeps the container usable after a run was interrupted", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const long = yield* Effect.fork(container.run(sh("echo before; sleep 0.2; echo after")))
      yield* Effect.sleep("50 millis")
      yield* Fiber.interrupt(long)
      expect(yield* says(container, "sleep 0.4; echo mine")).toBe("mine")
    }))

  test("refuses limits and names that make no sense", () =>
    Effect.gen(function* () {
      const { create } = yield* Substrate
      const wrong = [
        create("box", { ...limits, memoryBytes: 0 }),
        create("box", { ...limits, cpuMillis: -1 }),
        create("box", { ...limits, pids: 1.5 }),
        create("no\nname", limits),
        create("", limits)
      ]
      for (const attempt of wrong) expect(yield* Effect.flip(attempt)).toMatchObject({ stage: "argument" })
    }))

  test("makes 50 at once", () =>
    Effect.gen(function* () {
      const containers = yield* Effect.all(
        Arr.makeBy(50, () => box()),
        { concurrency: "unbounded" }
      )
      const said = yield* Effect.forEach(containers, (each, n) => says(each, `echo ${n}`), { concurrency: 8 })
      expect(said).toEqual(containers.map((_, n) => String(n)))
    }))

  test("keeps 200, each itself, and lets all of them go", () =>
    Effect.gen(function* () {
      const containers = yield* Effect.all(
        Arr.makeBy(200, () => box()),
        { concurrency: 16 }
      )
      const namespaces = new Set(containers.map(({ seal }) => seal.get("ns.pid")))
      expect(namespaces.size).toBe(200)
      yield* Effect.forEach(containers, (each, n) => each.run(sh(`echo ${n} >/tmp/n`)), { concurrency: 8 })
      const said = yield* Effect.forEach(containers, (each) => says(each, "cat /tmp/n"), { concurrency: 8 })
      expect(said).toEqual(containers.map((_, n) => String(n)))
      const goings = yield* Effect.forEach(containers, (each) => each.destroy, { concurrency: "unbounded" })
      expect(goings.every(({ left }) => left === 0)).toBe(true)
    }))

  test("leaves nothing of creations that were given up", () =>
    Effect.gen(function* () {
      const { create } = yield* Substrate
      const attempts = yield* Effect.forEach(Arr.range(1, 20), () => Effect.fork(create("box", limits)))
      yield* Effect.yieldNow()
      yield* Fiber.interruptAll(attempts)
      const container = yield* box()
      expect(yield* says(container, "echo fine")).toBe("fine")
    }))
}
