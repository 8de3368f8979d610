import Sqlite from "better-sqlite3"
import { Array as Arr, Effect, Either } from "effect"
import { describe, expect } from "vitest"
import { EventLog } from "../../src/log/EventLog.js"
import type { Projector } from "../../src/log/Projector.js"
import { Tables } from "../../src/log/Tables.js"
import { created, draft, resumed, suspended } from "../support/drafts.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

const labels = (version = 1, poison = "none"): Projector => ({
  name: "labels",
  version,
  tables: ["labels"],
  schema:
    "CREATE TABLE IF NOT EXISTS labels (key TEXT PRIMARY KEY, label TEXT NOT NULL, active INTEGER NOT NULL) STRICT",
  open: (db) => {
    const insert = db.prepare("INSERT INTO labels VALUES (?, ?, 1)")
    const set = db.prepare("UPDATE labels SET active = ? WHERE key = ?")
    return (_, event) => {
      if (event._tag === "KeyCreated" && event.label === poison) throw new Error("cannot fold this")
      if (event._tag === "KeyCreated") insert.run(event.key, `${event.label} v${version}`)
      if (event._tag === "KeySuspended") set.run(0, event.key)
      if (event._tag === "KeyResumed") set.run(1, event.key)
    }
  }
})

/** Writes down every row that it is given; one that is given twice is refused by its key. */
const counting = (name: string): Projector => ({
  name,
  version: 1,
  tables: [name],
  schema: `CREATE TABLE IF NOT EXISTS ${name} (seq INTEGER PRIMARY KEY) STRICT`,
  open: (db) => {
    const insert = db.prepare(`INSERT INTO ${name} VALUES (?)`)
    return ({ seq }) => void insert.run(seq)
  }
})

const seen = (name: string) =>
  Effect.map(Tables, (db) => db.prepare<[], number>(`SELECT seq FROM ${name} ORDER BY seq`).pluck().all())

const table = Effect.map(Tables, (db) => db.prepare("SELECT * FROM labels ORDER BY key").all())
const cursor = Effect.map(Tables, (db) =>
  db.prepare<[], number>("SELECT seq FROM cursors WHERE name = 'labels'").pluck().get()
)

const append = (...drafts: ReadonlyArray<Parameters<EventLog["Type"]["append"]>[0]>) =>
  Effect.flatMap(EventLog, (log) => Effect.all(drafts.map(log.append), { concurrency: "unbounded" }))

const dropTable = (path: string) =>
  Effect.sync(() => {
    const db = new Sqlite(path)
    db.exec("DROP TABLE labels")
    db.close()
  })

const history = append(
  ...Arr.makeBy(1_500, (n) => draft(n, 0, created(n), suspended(n))),
  ...Arr.makeBy(500, (n) => draft(n, 2, resumed(n)))
)

describe("projections", () => {
  live("are there when the append is answered, and a rebuilt one equals the live one", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const open = storageIn(data, [labels()])
      const alive = yield* Effect.zipRight(history, table).pipe(Effect.provide(open))
      expect(alive).toHaveLength(1_500)
      // Opened without it, the log goes on; its cursor stays behind and catches up.
      yield* Effect.provide(append(draft(9_000, 0)), storageIn(data))
      const caughtUp = yield* Effect.all([table, cursor]).pipe(Effect.provide(storageIn(data, [labels()])))
      expect(caughtUp[0]).toHaveLength(1_501)
      expect(caughtUp[1]).toBe(3_501)
      const dropped = Effect.map(Tables, (db) => db.name)
      const path = yield* Effect.provide(dropped, open)
      yield* dropTable(path)
      expect(yield* Effect.provide(table, open)).toEqual(caughtUp[0])
    })
  )

  live("of a new version are built anew", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.provide(append(draft(1, 0)), storageIn(data, [labels(1)]))
      const rebuilt = yield* Effect.provide(table, storageIn(data, [labels(2)]))
      expect(rebuilt).toMatchObject([{ label: "a key v2" }])
    })
  )

  live("that are behind catch up together, each from where it stands", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const [early, late, never] = [counting("early"), counting("late"), counting("never")]
      const some = (from: number, count: number) => append(...Arr.makeBy(count, (n) => draft(from + n, 0)))
      yield* Effect.provide(some(0, 1_200), storageIn(data, [early]))
      yield* Effect.provide(some(2_000, 1_300), storageIn(data, [late]))
      const all = Effect.all(["early", "late", "never"].map(seen))
      const caughtUp = yield* Effect.provide(all, storageIn(data, [never, early, late]))
      const rows = Arr.range(1, 2_500)
      expect(caughtUp).toEqual([rows, rows, rows])
    })
  )

  live("that throw refuse the append that they cannot fold, and only that", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.gen(function* () {
        const log = yield* EventLog
        const outcomes = yield* Effect.all(
          [1, 2, 3, 4].map((n) => Effect.either(log.append(draft(n, 0, created(n, n === 3 ? "poison" : "fine"))))),
          { concurrency: "unbounded" }
        )
        expect(outcomes.map(Either.isRight)).toEqual([true, true, false, true])
        expect(outcomes[2]).toMatchObject({ left: { _tag: "LogUnavailable", written: "no" } })
        expect(yield* log.page(0, 10)).toHaveLength(3)
        expect(yield* table).toHaveLength(3)
        expect(yield* log.verify).toMatchObject({ ok: true, events: 3 })
        yield* log.append(draft(3, 0, created(3, "fine now")))
      }).pipe(Effect.provide(storageIn(data, [labels(1, "poison")])))
    })
  )
})
