import { Effect, Layer, Option } from "effect"
import { describe, expect } from "vitest"
import { SessionId } from "../../events/Ids.js"
import { Database, open } from "../../src/log/Database.js"
import * as Recordings from "../../src/store/Recordings.js"
import * as it from "../support/it.js"
import { directory } from "../support/storage.js"

const session = SessionId.make(`unsb-session-${"a".repeat(32)}`)
const header = { columns: 80, rows: 24, startedAt: 1_700_000_000, title: session, command: "bash" }

const recorded = <A, E>(body: Effect.Effect<A, E, Recordings.Recordings>) =>
  Effect.flatMap(directory, (data) =>
    Effect.provide(body, Layer.provide(Recordings.layer, Layer.scoped(Database, open(data))))
  )

const lines = Effect.gen(function* () {
  const bytes = yield* (yield* Recordings.Recordings).read(session)
  const text = Buffer.from(Option.getOrElse(bytes, () => new Uint8Array(0))).toString()
  return text.split("\n").filter((line) => line !== "")
})

describe("a recording", () => {
  it.live("is asciicast v3: a header, then events with the seconds since the one before", () =>
    recorded(
      Effect.gen(function* () {
        const one = yield* (yield* Recordings.Recordings).open(session, header)
        yield* one.output(Buffer.from("hel"))
        // A character in two pieces.
        yield* one.output(Buffer.from([0xc3]))
        yield* Effect.sleep("20 millis")
        yield* one.output(Buffer.from([0xa9]))
        yield* one.resize(100, 30)
        yield* one.input(Buffer.from("x"))
        yield* one.close(0)
        yield* one.output(Buffer.from("after"))
        const [first = "", ...rest] = yield* lines
        expect(JSON.parse(first)).toEqual({
          version: 3,
          term: { cols: 80, rows: 24, type: "xterm-256color" },
          timestamp: 1_700_000_000,
          title: session,
          command: "bash"
        })
        const events = rest.map((line): [number, string, string] => JSON.parse(line))
        expect(events.map(([, kind, data]) => [kind, data])).toEqual([
          ["o", "hel"],
          ["o", "é"],
          ["r", "100x30"],
          ["i", "x"],
          ["x", "0"]
        ])
        expect(events[1]?.[0]).toBeGreaterThan(0.015)
      })
    )
  )

  it.live("goes on with what is there, and says so", () =>
    recorded(
      Effect.gen(function* () {
        const recordings = yield* Recordings.Recordings
        const before = yield* recordings.open(session, header)
        yield* before.output(Buffer.from("one"))
        yield* before.close(null)
        const after = yield* recordings.open(session, header)
        yield* after.output(Buffer.from("two"))
        yield* after.close(null)
        expect((yield* lines).slice(1).map((line): unknown => JSON.parse(line)[2])).toEqual(["one", "resumed", "two"])
        yield* recordings.remove(session)
        expect(yield* recordings.read(session)).toEqual(Option.none())
      })
    )
  )

  it.live("is bounded, and says that it is full", () =>
    recorded(
      Effect.gen(function* () {
        const one = yield* (yield* Recordings.Recordings).open(session, header)
        const piece = Buffer.alloc(64 * 1024, 0x61)
        for (let count = 0; count < 200; count++) yield* one.output(piece)
        yield* one.close(null)
        const all = yield* lines
        expect(all.join("\n").length).toBeLessThanOrEqual(Recordings.RECORDING_BYTES + 1_024)
        expect(JSON.parse(all.at(-1) ?? "")[2]).toBe("recording full")
      })
    )
  )
})
