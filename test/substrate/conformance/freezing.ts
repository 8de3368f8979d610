/** Containers that stand still. */
import { Effect, Ref, Stream } from "effect"
import { expect } from "vitest"
import type { Container } from "../../../src/substrate/Substrate.js"
import { box, eventually, type Suite, says, sh } from "../running.js"

const endless = { timeoutMillis: 0 }

export const freezing: Suite = (test) => {
  test("stands still while frozen and goes on afterwards", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const count = sh("i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done", endless)
      const process = yield* container.start(count, { stdin: false })
      const lines = yield* Ref.make(0)
      yield* Effect.forkScoped(Stream.runForEach(process.output, () => Ref.update(lines, (n) => n + 1)))
      const beyond = (mark: number) => eventually(Effect.map(Ref.get(lines), (n) => n > mark))
      yield* beyond(3)
      yield* container.freeze
      // What it wrote before it froze may still be on its way.
      yield* Effect.sleep("200 millis")
      const frozen = yield* Ref.get(lines)
      yield* Effect.sleep("300 millis")
      expect(yield* Ref.get(lines)).toBe(frozen)
      yield* container.unfreeze
      yield* beyond(frozen + 3)
    }))

  test("takes freezing twice and thawing twice as done", () =>
    Effect.gen(function* () {
      const container = yield* box()
      yield* container.freeze
      yield* container.freeze
      yield* container.unfreeze
      yield* container.unfreeze
      expect(yield* says(container, "echo awake")).toBe("awake")
    }))

  const states: Record<string, (container: Container) => Effect.Effect<unknown, unknown>> = {
    frozen: (container) => container.freeze,
    "frozen while it runs": (container) =>
      Effect.zipRight(
        Effect.fork(container.run(sh("while :; do :; done"))),
        Effect.delay(container.freeze, "50 millis")
      ),
    "freezing and thawing": (container) =>
      Effect.forkAll([container.freeze, container.unfreeze, container.freeze, container.unfreeze])
  }
  for (const [state, reach] of Object.entries(states))
    test(`destroys it when it is ${state}`, () =>
      Effect.gen(function* () {
        const container = yield* box()
        yield* reach(container)
        expect(yield* container.destroy).toMatchObject({ reason: "asked", left: 0 })
      }))

  test("ends in time although it is frozen", () =>
    Effect.gen(function* () {
      const container = yield* box()
      const running = yield* Effect.fork(container.run(sh("sleep 1000", { timeoutMillis: 500 })))
      yield* Effect.sleep("100 millis")
      yield* container.freeze
      expect(yield* container.gone).toMatchObject({ reason: "timed-out", left: 0 })
      expect(yield* running).toMatchObject({ how: "timed-out" })
    }))
}
