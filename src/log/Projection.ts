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

const catchUp = (db: Sqlite.Database, projector: Projector): ((row: Row, event: AnyEvent) => void) => {
  const rows = Rows.make(db)
  let seq = db.transaction(() => restore(db, projector, rows.head().seq)).immediate()
  db.exec(projector.schema)
  const fold = projector.open(db)
  const { place } = statements(db)
  const page = db.transaction(() => {
    const next = rows.page(seq, pageSize)
    for (const row of next) fold(row, eventOf(row))
    seq = next.at(-1)?.seq ?? seq
    if (next.length > 0) place.run(projector.name, projector.version, seq)
    return next.length
  })
  while (page.immediate() > 0);
  return fold
}

/** Before the first append. Throws LogCorrupt for a row that this build cannot read; what a projector throws passes. */
export const open = (db: Sqlite.Database, projectors: ReadonlyArray<Projector>): Projections => {
  const folds = projectors.map((projector) => catchUp(db, projector))
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
