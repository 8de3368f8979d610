/** Whoever may write to the files but has no key: what they change is named by its seq, and the server does not start on it. */
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Array as Arr, Effect, Exit } from "effect"
import { describe, expect } from "vitest"
import { hashOf, type Sealed } from "../../src/log/Chain.js"
import { EventLog } from "../../src/log/EventLog.js"
import * as Storage from "../../src/store/Storage.js"
import { draft } from "../support/drafts.js"
import { live } from "../support/it.js"
import { directory, storageIn } from "../support/storage.js"

const rows = 250
const options = { checkpointEvery: 100 }

const written = (data: string) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    for (const from of [0, 100, 200])
      yield* Effect.forEach(
        Arr.makeBy(Math.min(100, rows - from), (n) => log.append(draft(from + n, 0))),
        (append) => append,
        { concurrency: "unbounded" }
      ).pipe(Effect.zipLeft(Effect.sleep("30 millis")))
  }).pipe(Effect.provide(storageIn(data, [], options)))

const tamper = (data: string, change: (db: Sqlite.Database) => void) => {
  const db = new Sqlite(join(data, "unsandbox.sqlite"))
  change(db)
  db.close()
}

const verdict = (data: string) =>
  Effect.provide(
    Effect.flatMap(EventLog, (log) => log.verify),
    Storage.readOnly({ data })
  )

const start = (data: string) => Effect.exit(Effect.provide(Effect.void, storageIn(data)))

const columns = 'seq, stream, version, type, schema, at, "by", cause, trace, data, prev, hash, seal'

const rowAt = (db: Sqlite.Database, seq: number): Sealed => {
  const row = db.prepare<[number], Sealed>(`SELECT ${columns} FROM events WHERE seq = ?`).get(seq)
  if (row === undefined) throw new Error(`no row ${seq}`)
  return row
}

/** Makes the chain fit again from `seq` on, as anybody can who knows how a hash is made. */
const rehash = (db: Sqlite.Database, from: number, to: number) => {
  const set = db.prepare("UPDATE events SET prev = ?, hash = ? WHERE seq = ?")
  for (let seq = from; seq <= to; seq++) {
    const prev = rowAt(db, seq - 1).hash
    set.run(prev, hashOf(prev, rowAt(db, seq)), seq)
  }
}

const insert = (db: Sqlite.Database, row: Sealed) => {
  const { seq, stream, version, type, schema, at, by, cause, trace, data, prev, hash, seal } = row
  const values = [seq, stream, version, type, schema, at, by, cause, trace, data, prev, hash, seal]
  db.prepare(`INSERT INTO events (${columns}) VALUES (${values.map(() => "?").join(", ")})`).run(values)
}

const editData = (db: Sqlite.Database, seq: number) =>
  db.prepare("UPDATE events SET data = replace(data, 'a key', 'b key') WHERE seq = ?").run(seq)

const deleteFrom = (seq: number) => (db: Sqlite.Database) => {
  db.prepare("DELETE FROM events WHERE seq >= ?").run(seq)
}

const dropFirstWitness = (db: Sqlite.Database) => db.exec("DELETE FROM checkpoints")

const file = (data: string) => join(data, "checkpoints.jsonl")

interface Case {
  readonly what: string
  readonly bad: number
  readonly change: (data: string) => void
  /** A start looks at what follows the newest checkpoint; older rows are verify's. */
  readonly starts?: boolean
}

const inTable = (change: (db: Sqlite.Database) => void) => (data: string) => tamper(data, change)

const cases: ReadonlyArray<Case> = [
  { what: "an edited event", bad: 42, starts: true, change: inTable((db) => editData(db, 42)) },
  {
    what: "an edited principal",
    bad: 42,
    starts: true,
    change: inTable((db) => db.prepare("UPDATE events SET \"by\" = 'root' WHERE seq = 42").run())
  },
  {
    what: "a forged event: edited, and rehashed alone",
    bad: 42,
    starts: true,
    change: inTable((db) => {
      editData(db, 42)
      rehash(db, 42, 42)
    })
  },
  {
    what: "a forged event: edited, and everything after it rehashed",
    bad: 42,
    change: inTable((db) => {
      editData(db, 42)
      rehash(db, 42, rows)
    })
  },
  {
    what: "a forged history without checkpoints in the table",
    bad: 42,
    change: inTable((db) => {
      editData(db, 42)
      rehash(db, 42, rows)
      dropFirstWitness(db)
    })
  },
  {
    what: "an event forged onto the end",
    bad: rows + 1,
    change: inTable((db) => {
      const last = rowAt(db, rows)
      const next = { ...last, seq: rows + 1, stream: "key/unsb-pk-forged", prev: last.hash }
      insert(db, { ...next, hash: hashOf(last.hash, next) })
    })
  },
  {
    what: "a repeated event",
    bad: rows + 1,
    change: inTable((db) => insert(db, { ...rowAt(db, 7), seq: rows + 1, stream: "key/unsb-pk-again" }))
  },
  {
    what: "a row taken out of the middle",
    bad: 42,
    starts: true,
    change: inTable((db) => db.exec("DELETE FROM events WHERE seq = 42"))
  },
  {
    what: "a row taken out of the middle and the gap closed",
    bad: 42,
    change: inTable((db) => {
      db.exec("DELETE FROM events WHERE seq = 42")
      for (let seq = 43; seq <= rows; seq++) db.exec(`UPDATE events SET seq = ${seq - 1} WHERE seq = ${seq}`)
    })
  },
  {
    what: "two rows in each other's place",
    bad: 42,
    starts: true,
    change: inTable((db) => {
      db.exec("UPDATE events SET seq = 9999 WHERE seq = 42; UPDATE events SET seq = 42 WHERE seq = 60")
      db.exec("UPDATE events SET seq = 60 WHERE seq = 9999")
    })
  },
  { what: "a log cut at its end", bad: 241, change: inTable(deleteFrom(241)) },
  {
    what: "a log cut at its end with the checkpoints of the table",
    bad: 151,
    change: inTable((db) => {
      deleteFrom(151)(db)
      db.exec("DELETE FROM checkpoints WHERE seq > 150")
    })
  },
  {
    what: "a log cut to nothing",
    bad: 1,
    change: inTable((db) => {
      deleteFrom(1)(db)
      dropFirstWitness(db)
    })
  },
  {
    what: "a checkpoint that was moved",
    bad: 150,
    starts: true,
    change: inTable((db) => db.exec(`UPDATE checkpoints SET seq = 150 WHERE seq = ${rows}`))
  },
  {
    what: "a checkpoint file that was cut",
    bad: 200,
    change: (data) => truncateSync(file(data), readFileSync(file(data), "latin1").indexOf("\n") + 1)
  },
  {
    what: "a checkpoint of somebody else's",
    bad: rows,
    change: (data) => {
      const lines = readFileSync(file(data), "latin1")
      writeFileSync(file(data), lines.replace(/"signature":"..(?=[0-9a-f]*"}\n$)/, '"signature":"00'))
    }
  }
]

describe("tampering", () => {
  for (const { what, bad, change, starts } of cases)
    live(`names the first bad seq for ${what}`, () =>
      Effect.gen(function* () {
        const data = yield* directory
        yield* written(data)
        expect(yield* verdict(data)).toMatchObject({ ok: true, events: rows })
        yield* Effect.sync(() => change(data))
        expect(yield* verdict(data)).toMatchObject({ ok: false, firstBadSeq: bad })
        const started = yield* start(data)
        expect(Exit.isSuccess(started)).toBe(starts ?? false)
      })
    )

  live("goes on after half a line in the checkpoint file: a crash, not a change", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* written(data)
      yield* Effect.sync(() => appendFileSync(file(data), '{"at":1,"ha'))
      expect(yield* verdict(data)).toMatchObject({ ok: true })
      const again = Effect.flatMap(EventLog, (log) => Effect.zipRight(log.append(draft(rows, 0)), log.verify))
      expect(yield* Effect.provide(again, storageIn(data))).toMatchObject({ ok: true, events: rows + 1 })
      expect(yield* verdict(data)).toMatchObject({ ok: true, events: rows + 1 })
    })
  )

  live("signs the head when it closes, in the table and in the file", () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* written(data)
      const lines = readFileSync(file(data), "latin1").trimEnd().split("\n")
      expect(lines.map((line) => JSON.parse(line).seq)).toEqual([100, 200, rows])
      expect(statSync(join(data, "checkpoint.key")).mode & 0o777).toBe(0o600)
      expect(statSync(file(data)).mode & 0o777).toBe(0o600)
    })
  )
})
