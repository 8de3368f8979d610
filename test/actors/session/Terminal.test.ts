import { Chunk, Deferred, type Duration, Effect, Queue, Stream } from "effect"
import { describe, expect } from "vitest"
import type { Viewer } from "../../../actors/session/Audience.js"
import { Parting } from "../../../actors/session/Sessions.js"
import { Terminal } from "../../../actors/session/Terminal.js"
import type { Process } from "../../../src/substrate/Substrate.js"
import * as it from "../../support/it.js"

const MIB = 1024 * 1024

/** A process that writes what the test says, and counts what was taken of it. */
const scripted = Effect.gen(function* () {
  const queue = yield* Queue.unbounded<Uint8Array>()
  const typed: Array<string> = []
  const sizes: Array<string> = []
  let taken = 0
  const process: Process = {
    output: Stream.repeatEffectChunk(
      Effect.map(queue.take, (bytes) => {
        taken += bytes.length
        return Chunk.of({ stream: "stdout" as const, bytes })
      })
    ),
    write: (bytes) => Effect.sync(() => typed.push(Buffer.from(bytes).toString()) > 0),
    resize: (columns, rows) => Effect.sync(() => void sizes.push(`${columns}x${rows}`)),
    signal: () => Effect.void,
    exited: Effect.never
  }
  const terminal = new Terminal()
  yield* Effect.forkScoped(terminal.serve(process))
  yield* Effect.yieldNow()
  const say = (text: string | Uint8Array) =>
    Effect.zipRight(queue.offer(typeof text === "string" ? Buffer.from(text) : text), Effect.sleep("5 millis"))
  return { terminal, say, typed, sizes, taken: () => taken }
})

const readAll = (terminal: Terminal, viewer: Viewer, bytes: number, within: Duration.DurationInput = "5 seconds") =>
  Effect.gen(function* () {
    let text = Buffer.alloc(0)
    while (text.length < bytes) {
      const got = yield* terminal.read(viewer)
      if (!(got instanceof Uint8Array)) return yield* Effect.dieMessage(JSON.stringify(got))
      text = Buffer.concat([text, got])
    }
    return text.toString()
  }).pipe(Effect.timeout(within))

describe("a terminal", () => {
  it.live("shows the first to come what was there before", () =>
    Effect.gen(function* () {
      const { say, terminal } = yield* scripted
      yield* say("prompt$ ")
      expect(yield* readAll(terminal, terminal.join(undefined), 8)).toBe("prompt$ ")
    })
  )

  it.live("shows all who are there the same, and who comes later only what is new", () =>
    Effect.gen(function* () {
      const { say, terminal } = yield* scripted
      const first = terminal.join(undefined)
      yield* say("one ")
      expect(yield* readAll(terminal, first, 4)).toBe("one ")
      const second = terminal.join(undefined)
      yield* say("two ")
      expect(yield* readAll(terminal, first, 4)).toBe("two ")
      expect(yield* readAll(terminal, second, 4)).toBe("two ")
    })
  )

  it.live("loses nothing when a connection drops: since an offset, and what nobody has seen", () =>
    Effect.gen(function* () {
      const { say, terminal } = yield* scripted
      const first = terminal.join(undefined)
      yield* say("seen ")
      yield* readAll(terminal, first, 5)
      terminal.leave(first)
      yield* say("missed")
      const again = terminal.join(2)
      expect(again.at).toBe(2)
      expect(yield* readAll(terminal, again, 9)).toBe("en missed")
      terminal.leave(again)
      yield* say("!")
      expect(yield* readAll(terminal, terminal.join(undefined), 1)).toBe("!")
    })
  )

  it.live("is given an offset beyond the end as the end", () =>
    Effect.gen(function* () {
      const { say, terminal } = yield* scripted
      yield* say("abc")
      expect(terminal.join(1_000).at).toBe(3)
    })
  )

  it.live("makes its programs wait for the slowest, within a bound", () =>
    Effect.gen(function* () {
      const { say, taken, terminal } = yield* scripted
      const slow = terminal.join(undefined)
      for (let piece = 0; piece < 100; piece++) yield* say(Buffer.alloc(64 * 1024, 65))
      yield* Effect.sleep("50 millis")
      expect(taken()).toBeLessThanOrEqual(MIB + 64 * 1024)
      yield* readAll(terminal, slow, 100 * 64 * 1024)
      expect(taken()).toBe(100 * 64 * 1024)
    })
  )

  it.live("waits for whoever comes when nobody is there", () =>
    Effect.gen(function* () {
      const { say, taken, terminal } = yield* scripted
      for (let piece = 0; piece < 40; piece++) yield* say(Buffer.alloc(64 * 1024, 65))
      expect(taken()).toBeLessThanOrEqual(MIB + 64 * 1024)
      yield* readAll(terminal, terminal.join(undefined), 40 * 64 * 1024)
    })
  )

  it.live(
    "lets go of one who holds the others up",
    () =>
      Effect.gen(function* () {
        const { say, terminal } = yield* scripted
        const [stuck, quick] = [terminal.join(undefined), terminal.join(undefined)]
        const reading = yield* Effect.fork(readAll(terminal, quick, 30 * 64 * 1024, "20 seconds"))
        for (let piece = 0; piece < 30; piece++) yield* say(Buffer.alloc(64 * 1024, 65))
        yield* Effect.sleep("11 seconds")
        expect((yield* reading).length).toBe(30 * 64 * 1024)
        expect(stuck.parting).toEqual(Parting.Detached({ why: "behind" }))
      }),
    30_000
  )

  it.live("gives the parting after the last byte", () =>
    Effect.gen(function* () {
      const { say, terminal } = yield* scripted
      const viewer = terminal.join(undefined)
      yield* say("bye")
      terminal.dismiss(Parting.Exited({ code: 3 }))
      expect(yield* readAll(terminal, viewer, 3)).toBe("bye")
      expect(yield* terminal.read(viewer)).toEqual(Parting.Exited({ code: 3 }))
    })
  )

  it.live("takes what is typed, and sizes that make sense", () =>
    Effect.gen(function* () {
      const { sizes, terminal, typed } = yield* scripted
      expect(yield* terminal.type(Buffer.from("ls\n"))).toBe(true)
      expect(yield* terminal.type(new Uint8Array(0))).toBe(true)
      yield* terminal.resize(0, 0)
      yield* terminal.resize(120.5, 10)
      yield* terminal.resize(1_000_000, 10)
      yield* terminal.resize(120, 40)
      expect(typed).toEqual(["ls\n"])
      expect(sizes).toEqual(["120x40"])
    })
  )

  it.live("wakes a reader who waits when it is told to go", () =>
    Effect.gen(function* () {
      const { terminal } = yield* scripted
      const viewer = terminal.join(undefined)
      const told = yield* Deferred.make<unknown>()
      yield* Effect.forkScoped(Effect.flatMap(terminal.read(viewer), (got) => Deferred.succeed(told, got)))
      yield* Effect.sleep("5 millis")
      terminal.dismiss(Parting.Gone({ why: "ttl" }))
      expect(yield* Effect.timeout(Deferred.await(told), "1 second")).toEqual(Parting.Gone({ why: "ttl" }))
    })
  )
})
