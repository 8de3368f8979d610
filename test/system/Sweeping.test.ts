import { Effect, Ref, TestClock } from "effect"
import { expect } from "vitest"
import * as Sweeping from "../../src/system/Sweeping.js"
import { effect } from "../support/it.js"

effect("a sweep that fails, however often and however badly, is tried again", () =>
  Effect.gen(function* () {
    const times = yield* Ref.make(0)
    const failing = Effect.flatMap(
      Ref.updateAndGet(times, (before) => before + 1),
      (nth) => (nth % 2 === 0 ? Effect.fail("the disk says EIO") : Effect.die(new Error("EMFILE")))
    )
    const sweeping = yield* Effect.fork(Sweeping.every("1 minute", "nothing was swept", failing))
    for (let minute = 0; minute < 30; minute += 1) yield* TestClock.adjust("1 minute")
    expect(yield* Ref.get(times)).toBe(31)
    expect(sweeping.unsafePoll()).toBeNull()
  })
)
