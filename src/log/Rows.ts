/** Reading rows of the log from one connection. */
import type Sqlite from "better-sqlite3"
import { Effect } from "effect"
import type { Row } from "../../events/Envelope.js"
import type { JsonObject } from "../../events/Versioned.js"
import { genesis, type Link, type Sealed } from "./Chain.js"
import { LogUnavailable } from "./EventLog.js"

interface Stored extends Omit<Row, "data"> {
  readonly data: string
}

const envelope = 'seq, stream, version, type, schema, at, "by", cause, trace, data, prev, hash'

/** The most rows in memory for one page, whatever was asked for. */
const mostRows = 10_000

const toRow = (stored: Stored): Row => {
  const data: JsonObject = JSON.parse(stored.data)
  return { ...stored, data }
}

/** Reading changes nothing, so every failure of it is `written: "no"`. */
export const reading = <A>(body: () => A): Effect.Effect<A, LogUnavailable> =>
  Effect.try({
    try: body,
    catch: (error) => new LogUnavailable({ reason: String(error), written: "no", unread: "view" })
  })

/** Prepares its statements once; what it gives throws when the connection fails. */
export const make = (db: Sqlite.Database) => {
  const stream = db.prepare<[string, number], Stored>(
    `SELECT ${envelope} FROM events WHERE stream = ? AND version > ? ORDER BY version`
  )
  const page = db.prepare<[number, number], Stored>(`SELECT ${envelope} FROM events WHERE seq > ? ORDER BY seq LIMIT ?`)
  const sealed = db.prepare<[number, number], Sealed>(
    `SELECT ${envelope}, seal FROM events WHERE seq > ? ORDER BY seq LIMIT ?`
  )
  const link = db.prepare<[number], Link>("SELECT seq, hash, at FROM events WHERE seq = ?")
  const head = db.prepare<[], Link>("SELECT seq, hash, at FROM events ORDER BY seq DESC LIMIT 1")
  return {
    stream: (id: string, after: number): ReadonlyArray<Row> => stream.all(id, after).map(toRow),
    page: (after: number, limit: number): ReadonlyArray<Row> =>
      page.all(after, Math.max(0, Math.min(limit, mostRows))).map(toRow),
    sealed: (after: number, limit: number): ReadonlyArray<Sealed> => sealed.all(after, limit),
    link: (seq: number): Link | undefined => (seq === 0 ? genesis : link.get(seq)),
    head: (): Link => head.get() ?? genesis
  }
}

export type Rows = ReturnType<typeof make>
