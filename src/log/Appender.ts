/** Puts requests at the head of the chain, inside the batch's transaction, and folds each row into the projections. */
import type { KeyObject } from "node:crypto"
import type Sqlite from "better-sqlite3"
import { Exit } from "effect"
import type { AnyEvent } from "../../events/Catalogue.js"
import type { Row } from "../../events/Envelope.js"
import type { Participant } from "./Batch.js"
import { type Entry, hashOf, type Link, sealOf } from "./Chain.js"
import { WrongVersion } from "./EventLog.js"
import type { Ready, Request } from "./Intake.js"
import { Lru } from "./Lru.js"
import * as Rows from "./Rows.js"

/** Streams whose version is kept in memory; the others cost one look at the index. */
const streams = 65_536

export interface Projections {
  readonly fold: (row: Row, event: AnyEvent) => void
  /** Everything up to `seq` has been folded. */
  readonly advance: (seq: number) => void
}

export interface Appender extends Participant {
  readonly append: (request: Request) => Exit.Exit<ReadonlyArray<Row>, WrongVersion>
  /** The last row that is durable. */
  readonly head: () => Link
}

interface Parts {
  readonly db: Sqlite.Database
  readonly key: KeyObject
  readonly now: () => number
  readonly projections: Projections
  /** Called after each commit that added rows. */
  readonly notify: (head: Link) => void
}

const statements = (db: Sqlite.Database) => ({
  version: db.prepare<[string], number>("SELECT max(version) FROM events WHERE stream = ?").pluck(),
  // The constraint judges whether a stream is new: a miss costs its draft alone, and finding a stream new costs nothing.
  insert: db.prepare(
    `INSERT INTO events (seq, stream, version, type, schema, at, "by", cause, trace, data, prev, hash, seal)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stream, version) DO NOTHING`
  )
})

export const make = ({ db, key, now, projections, notify }: Parts): Appender => {
  const { version, insert } = statements(db)
  const rows = Rows.make(db)
  const heads = new Lru<string, number>(streams)
  let durable = rows.head()
  let head = durable
  let doubtful = false

  const write = (row: Entry, prev: string): string | undefined => {
    const { seq, stream, type, schema, at, by, cause, trace, data } = row
    const hash = hashOf(prev, row)
    const seal = sealOf(key, hash)
    const values = [seq, stream, row.version, type, schema, at, by, cause, trace, data, prev, hash, seal]
    return insert.run(values).changes === 1 ? hash : undefined
  }

  const add = (request: Request, ready: Ready, at: number, last: number): Row | undefined => {
    const { stream, by, cause, trace } = request
    const { type, schema, data, text } = ready
    const prev = head.hash
    const place = { seq: head.seq + 1, stream, version: last + 1, type, schema, at, by, cause, trace }
    const hash = write({ ...place, data: text }, prev)
    if (hash === undefined) return undefined
    head = { seq: place.seq, hash, at }
    return { ...place, data, prev, hash }
  }

  const conflict = ({ stream, expected }: Request, actual: number) => {
    heads.set(stream, actual)
    return Exit.fail(new WrongVersion({ stream, expected, actual }))
  }

  const append = (request: Request): Exit.Exit<ReadonlyArray<Row>, WrongVersion> => {
    const { stream, expected, events } = request
    const actual = heads.get(stream) ?? (expected === 0 && events.length > 0 ? 0 : (version.get(stream) ?? 0))
    if (actual !== expected) return conflict(request, actual)
    const at = Math.max(head.at, now())
    const added: Array<Row> = []
    for (const ready of events) {
      const row = add(request, ready, at, expected + added.length)
      if (row === undefined && added.length === 0) return conflict(request, version.get(stream) ?? 0)
      if (row === undefined) throw new Error(`version ${expected + added.length + 1} of ${stream} is there already`)
      projections.fold(row, ready.event)
      added.push(row)
    }
    heads.set(stream, expected + added.length)
    return Exit.succeed(added)
  }

  const forget = () => {
    heads.clear()
    head = rows.head()
    doubtful = false
  }

  return {
    append,
    head: () => durable,
    begin: () => {
      if (doubtful) forget()
    },
    finish: () => {
      if (head.seq !== durable.seq) projections.advance(head.seq)
    },
    committed: () => {
      if (head.seq === durable.seq) return
      durable = head
      notify(head)
    },
    abandoned: () => {
      doubtful = true
    }
  }
}
