/** What a session's programs need, put in place by commands of which a test says how they end. */
import { Effect, Fiber, Stream, TestClock } from "effect"
import { describe, expect } from "vitest"
import * as Programs from "../../../actors/session/Programs.js"
import type { Command, Container, Exited } from "../../../src/substrate/Substrate.js"
import * as it from "../../support/it.js"
import { ran } from "../scripted.js"

const shell = { argv: ["/bin/sh"], multiplexer: { name: "tmux", path: "/usr/bin/tmux" } } as const
const inputs = [{ name: "a", content: Buffer.from("a") }]

/** The first puts in place, the second begins; undefined: it never ends. */
const preparing = (...codes: ReadonlyArray<number | undefined>) => {
  const { stderr, stdout, ...how } = ran
  const begun: Array<Command> = []
  const start: Container["start"] = (command) =>
    Effect.sync(() => {
      const code = codes[begun.push(command) - 1]
      const exited: Effect.Effect<Exited> = code === undefined ? Effect.never : Effect.succeed({ ...how, code })
      const said = { write: () => Effect.succeed(true), resize: () => Effect.void, signal: () => Effect.void }
      return { output: Stream.empty, exited, ...said }
    })
  return { begun, prepared: Effect.flip(Programs.prepare({ shell }, { start }, inputs)) }
}

describe("what a session's programs need", () => {
  it.effect("is there when all of it says so, and only then", () =>
    Effect.gen(function* () {
      const { begun, prepared } = preparing(0, 0)
      yield* Effect.flip(prepared)
      expect(begun.map(({ argv }) => argv[0])).toEqual(["/bin/sh", "/usr/bin/tmux"])
      const unplaced = preparing(1, 0)
      expect(yield* unplaced.prepared).toMatchObject({
        ...{ _tag: "SessionLost", reason: "its input files could not be put in place: exit status 1" }
      })
      expect(unplaced.begun).toHaveLength(1)
      expect(yield* preparing(0, 127).prepared).toMatchObject({
        ...{ _tag: "SessionLost", reason: "its multiplexer could not be begun: exit status 127" }
      })
    })
  )

  it.effect("is not there when nobody can tell in time", () =>
    Effect.gen(function* () {
      const waiting = yield* Effect.fork(preparing(0, undefined).prepared)
      yield* TestClock.adjust("59 seconds")
      expect(yield* Fiber.poll(waiting)).toMatchObject({ _tag: "None" })
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(waiting)).toMatchObject({
        ...{ _tag: "SessionLost", reason: "its multiplexer could not be begun: not within 60 seconds" }
      })
    })
  )
})
