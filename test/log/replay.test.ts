import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, Schema, TestClock } from "effect"
import { describe, expect } from "vitest"
import * as Key from "../../events/Key.js"
import { define, reader } from "../../events/Versioned.js"
import * as Canonical from "../../src/log/Canonical.js"
import { genesis, hashOf, sealOf } from "../../src/log/Chain.js"
import { EventLog } from "../../src/log/EventLog.js"
import * as Replay from "../../src/log/Replay.js"
import * as SigningKey from "../../src/log/SigningKey.js"
import { created, draft, resumed, streamOf, suspended } from "../support/drafts.js"
import { effect, live } from "../support/it.js"
import { directory, storage, storageIn } from "../support/storage.js"

const active = {
  initial: "absent",
  read: Key.read,
  evolve: (_: string, event: Key.KeyEvent) => (event._tag === "KeySuspended" ? "suspended" : "active")
}

/** An event of this test's own, in its third shape. */
const Door = Schema.TaggedStruct("DoorOpened", { door: Schema.String, by: Schema.String, wide: Schema.Boolean })
const door = define(
  "DoorOpened",
  Door,
  // v1 → v2: doors were known by number.
  ({ number, ...rest }) => ({ ...rest, door: `door ${number}` }),
  // v2 → v3: every door was opened wide.
  (v2) => ({ ...v2, wide: true })
)
const doors = {
  initial: [],
  read: reader(door),
  evolve: (all: ReadonlyArray<unknown>, event: unknown) => [...all, event]
}

const older = [
  { schema: 1, data: { number: 7, by: "me" } },
  { schema: 2, data: { door: "door 8", by: "me" } },
  { schema: 3, data: { door: "door 9", by: "me", wide: false } }
]

/** Rows as earlier builds of this program would have left them. */
const leave = (
  data: string,
  rows: ReadonlyArray<{ readonly schema: number; readonly data: Record<string, string | number | boolean> }>
) =>
  Effect.sync(() => {
    const key = SigningKey.load(data).rows
    const db = new Sqlite(join(data, "unsandbox.sqlite"))
    const insert = db.prepare(
      `INSERT INTO events (seq, stream, version, type, schema, at, "by", cause, trace, data, prev, hash, seal)
       VALUES (@seq, @stream, @version, @type, @schema, @at, @by, NULL, NULL, @data, @prev, @hash, @seal)`
    )
    let prev = genesis.hash
    for (const [index, row] of rows.entries()) {
      const place = { seq: index + 1, stream: "node/door", version: index + 1, type: "DoorOpened", schema: row.schema }
      const entry = { ...place, at: 1_000, by: "root", cause: null, trace: null, data: Canonical.encode(row.data) }
      const hash = hashOf(prev, entry)
      insert.run({ ...entry, prev, hash, seal: sealOf(key, hash) })
      prev = hash
    }
    db.close()
  })

describe("replay", () => {
  effect("gives the state of a stream as of a seq or a time", () =>
    Effect.gen(function* () {
      const log = yield* EventLog
      const at = (seconds: number) => TestClock.setTime(seconds * 1_000)
      yield* at(1)
      yield* log.append(draft(1, 0, created(1)))
      yield* log.append(draft(2, 0, created(2)))
      yield* at(2)
      yield* log.append(draft(1, 1, suspended(1)))
      yield* at(3)
      yield* log.append(draft(1, 2, resumed(1)))
      const state = (until?: Replay.Moment) => Replay.stateOf(streamOf(1), active, until)
      expect(yield* state()).toEqual({ state: "active", version: 3 })
      expect(yield* state({ seq: 0 })).toEqual({ state: "absent", version: 0 })
      expect(yield* state({ seq: 2 })).toEqual({ state: "active", version: 1 })
      expect(yield* state({ seq: 3 })).toEqual({ state: "suspended", version: 2 })
      expect(yield* state({ at: 2_999_999 })).toEqual({ state: "suspended", version: 2 })
      expect(yield* state({ at: 3_000_000 })).toEqual({ state: "active", version: 3 })
    }).pipe(Effect.provide(storage()))
  )

  live("reads rows of every version in today's shape, and stops at one from the future", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.provide(Effect.void, storageIn(data))
      yield* leave(data, [...older, { schema: 4, data: {} }])
      yield* Effect.gen(function* () {
        const log = yield* EventLog
        const [first] = yield* log.page(0, 1)
        if (first === undefined) return yield* Effect.die("no row")
        const { state } = yield* Replay.stateOf(first.stream, doors, { seq: 3 })
        expect(state).toEqual([
          { _tag: "DoorOpened", door: "door 7", by: "me", wide: true },
          { _tag: "DoorOpened", door: "door 8", by: "me", wide: true },
          { _tag: "DoorOpened", door: "door 9", by: "me", wide: false }
        ])
        const future = yield* Effect.flip(Replay.stateOf(first.stream, doors))
        expect(future).toMatchObject({ _tag: "LogCorrupt", seq: 4 })
        expect(yield* log.verify).toMatchObject({ ok: true, events: 4 })
      }).pipe(Effect.provide(storageIn(data)))
    })
  )
})
