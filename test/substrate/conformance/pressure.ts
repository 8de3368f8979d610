/** Tenants that take all they can get. */
import { Effect, Fiber } from "effect"
import { expect } from "vitest"
import { box, limits, MIB, type Suite, says, sh } from "../running.js"

export const pressure: Suite = (test) => {
  test("reports that memory ran out", () =>
    Effect.gen(function* () {
      const container = yield* box({ memoryBytes: 32 * MIB })
      const hog = "perl -e '$x = \"x\" x (1024 * 1024 * 200); print length $x'"
      const outcome = yield* Effect.either(container.run(sh(`exec ${hog}`)))
      expect(outcome).toMatchObject({ _tag: "Right", right: { oom: true, stdoutBytes: 0 } })
    }))

  test("counts temporary files as memory", () =>
    Effect.gen(function* () {
      const container = yield* box({ tmpBytes: 4 * MIB })
      const ran = yield* container.run(sh("head -c 50000000 /dev/zero >/tmp/big"))
      expect(ran.code).not.toBe(0)
      expect(yield* says(container, "test $(stat -c %s /tmp/big) -le 4194304 && echo bounded")).toBe("bounded")
    }))

  test(
    "bounds a fork bomb while another container keeps answering",
    () =>
      Effect.gen(function* () {
        const [bomb, other] = yield* Effect.all([box({ pids: 32 }), box()])
        const bombing = yield* Effect.fork(
          bomb.run(sh("f() { f | f & }; f; wait; sleep 1000", { timeoutMillis: 3000 }))
        )
        const answers = yield* Effect.replicateEffect(says(other, "echo ok"), 20)
        expect(answers.every((answer) => answer === "ok")).toBe(true)
        yield* Fiber.await(bombing)
        expect((yield* bomb.destroy).left).toBe(0)
      }),
    60_000
  )

  test("bounds threads", () =>
    Effect.gen(function* () {
      const container = yield* box({ pids: 16 })
      const script = "i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done; echo all"
      const ran = yield* container.run(sh(script, { timeoutMillis: 3000 }))
      expect(ran.stdoutBytes === 0 || ran.how === "timed-out").toBe(true)
      expect((yield* container.destroy).left).toBe(0)
    }))

  test("reads its limits back, also after they were changed", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const read = (seal: ReadonlyMap<string, string>) => ["memory", "cpu", "pids"].map((key) => seal.get(key))
      expect(read(container.seal)).toEqual([String(limits.memoryBytes), "1000", "64"])
      const changed = { ...limits, memoryBytes: 128 * MIB, cpuMillis: 500, pids: 20 }
      expect(read(yield* container.limit(changed))).toEqual([String(128 * MIB), "500", "20"])
      expect(read(yield* container.limit(limits))).toEqual([String(limits.memoryBytes), "1000", "64"])
      expect(yield* Effect.flip(container.limit({ ...limits, pids: 0 }))).toMatchObject({ stage: "argument" })
    }))

  test("answers others while one floods its output", () =>
    Effect.gen(function* () {
      const [flood, other] = yield* Effect.all([box(), box()])
      const flooding = yield* Effect.fork(flood.run(sh("yes", { timeoutMillis: 1500 })))
      const answers = yield* Effect.replicateEffect(says(other, "echo ok"), 20)
      expect(answers.every((answer) => answer === "ok")).toBe(true)
      expect(yield* Fiber.join(flooding)).toMatchObject({ how: "timed-out", stdoutTruncated: true })
    }))
}
