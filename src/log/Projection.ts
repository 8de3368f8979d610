/** Keeps every projector at the head of the log: rebuilds and catches up when opened, folds each row from then on. */
import type Sqlite from "better-sqlite3"
import { Either } from "effect"
import { type AnyEvent, read } from "../../events/Catalogue.js"
import type { Row } from "../../events/Envelope.js"
import type { Projections } from "./Appender.js"
import { LogCorrupt } from "./EventLog.js"
import type { Projector } from "./Projector.js"
import * as Rows from "./Rows.js"

/** Rows folded in one transaction while catching up. */
const pageSize = 1_000

interface Cursor {
  readonly version: number
  readonly seq: number
}

const eventOf = (row: Row): AnyEvent =>
  Either.getOrThrowWith(
    read(row.type, row.schema, row.data),
    (unreadable) => new LogCorrupt({ seq: row.seq, reason: `${unreadable.type}: ${unreadable.reason}` })
  )

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const statements = (db: Sqlite.Database) => ({
  cursor: db.prepare<[string], Cursor>("SELECT version, seq FROM cursors WHERE name = ?"),
  place: db.prepare("INSERT OR REPLACE INTO cursors (name, version, seq) VALUES (?, ?, ?)"),
  exists: db.prepare<[string], number>("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?").pluck()
})

/** Where the projector goes on; 0 when its tables had to be made anew. */
const restore = (db: Sqlite.Database, { name, version, tables, schema }: Projector, head: number): number => {
  const { cursor, place, exists } = statements(db)
  const found = cursor.get(name)
  const whole = tables.every((table) => exists.get(table) === 1)
  if (found !== undefined && found.version === version && found.seq <= head && whole) return found.seq
  for (const table of tables) db.exec(`DROP TABLE IF EXISTS ${quoted(table)}`)
  db.exec(schema)
  place.run(name, version, 0)
  return 0
}

interface Follower extends Projector {
  readonly fold: (row: Row, event: AnyEvent) => void
  /** The last row that it has folded. */
  seq: number
}

const follow = (db: Sqlite.Database, projector: Projector, head: number): Follower => {
  const seq = db.transaction(() => restore(db, projector, head)).immediate()
  db.exec(projector.schema)
  return { ...projector, fold: projector.open(db), seq }
}

/** One reading of the log for all that are behind: to read a row is dearer than to fold it. */
const catchUp = (db: Sqlite.Database, followers: ReadonlyArray<Follower>): void => {
  const rows = Rows.make(db)
  const { place } = statements(db)
  let after = Math.min(...followers.map(({ seq }) => seq))
  const page = db.transaction(() => {
    const next = rows.page(after, pageSize)
    for (const row of next) {
      const event = eventOf(row)
      for (const { fold, seq } of followers) if (seq < row.seq) fold(row, event)
    }
    after = next.at(-1)?.seq ?? after
    for (const one of followers) {
      if (one.seq >= after) continue
      one.seq = after
      place.run(one.name, one.version, after)
    }
    return next.length
  })
  while (page.immediate() > 0);
}

/** Before the first append. Throws LogCorrupt for a row that this build cannot read; what a projector throws passes. */
export const open = (db: Sqlite.Database, projectors: ReadonlyArray<Projector>): Projections => {
  const head = Rows.make(db).head().seq
  const followers = projectors.map((projector) => follow(db, projector, head))
  if (followers.length > 0) catchUp(db, followers)
  const folds = followers.map(({ fold }) => fold)
  // Only ours: the cursor of a projector that this process does not keep must stay behind.
  const names = JSON.stringify(projectors.map(({ name }) => name))
  const advance = db.prepare("UPDATE cursors SET seq = ? WHERE name IN (SELECT value FROM json_each(?))")
  return {
    fold: (row, event) => {
      for (const fold of folds) fold(row, event)
    },
    advance: (seq) => {
      if (folds.length > 0) advance.run(seq, names)
    }
  }
}
