/** Folds events into the lines behind LogLines: one statement an event on the common path. */
import { Lru } from "../log/Lru.js"
import type { Projector } from "../log/Projector.js"
import { type Level, levels, lineOf, ownerIn } from "./LogLine.js"
import type { Connection, Fold } from "./Reading.js"

/** Kept a key; counted now and then, because that costs. */
const most = 10_000
const seldom = 256
const remembered = 16_384

const schema = `
CREATE TABLE IF NOT EXISTS log_lines (
  owner TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  source TEXT NOT NULL,
  level INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (owner, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log_owners (
  stream TEXT PRIMARY KEY,
  owner TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`

/** Who waits for lines of which owner. */
export type Waiting = Map<string, Set<() => void>>

export const rank = (level: Level): number => levels.indexOf(level)

const statements = (db: Connection) => ({
  add: db.prepare("INSERT INTO log_lines VALUES (?, ?, ?, ?, ?, ?)"),
  drop: db.prepare(
    `DELETE FROM log_lines WHERE owner = ? AND seq <=
     (SELECT seq FROM log_lines WHERE owner = ? ORDER BY seq DESC LIMIT 1 OFFSET ${most})`
  ),
  own: db.prepare("INSERT OR REPLACE INTO log_owners VALUES (?, ?)"),
  owner: db.prepare<[string], string>("SELECT owner FROM log_owners WHERE stream = ?").pluck(),
  // Jobs are too many to be written down once more.
  jobOwner: db.prepare<[string], string>("SELECT owner FROM jobs WHERE job = substr(?, 5)").pluck()
})

const open =
  (waiting: Waiting) =>
  (db: Connection): Fold => {
    const { add, drop, jobOwner, own, owner } = statements(db)
    /** Owners of streams that a table names too; one that a rollback left is of a stream that never was. */
    const known = new Lru<string, string>(remembered)

    const ownerOf = (stream: string, kind: string, said: string | undefined): string | undefined => {
      const whose = said ?? known.get(stream) ?? (kind === "job" ? jobOwner : owner).get(stream)
      if (said !== undefined && kind !== "job") own.run(stream, said)
      if (whose !== undefined) known.set(stream, whose)
      return whose
    }

    return ({ at, seq, stream }, event) => {
      const kind = stream.slice(0, stream.indexOf("/"))
      const line = lineOf(kind, event)
      if (line === undefined) return
      const said = ownerIn(event)
      const whose = event._tag === "Refused" ? said : ownerOf(stream, kind, said)
      if (whose === undefined) return
      add.run(whose, seq, at, line.source, rank(line.level), line.text)
      if (seq % seldom === 0) drop.run(whose, whose)
      for (const wake of waiting.get(whose) ?? []) wake()
    }
  }

/** Wakes those that wait for an owner's lines. */
export const projector = (waiting: Waiting): Projector => ({
  name: "log-lines",
  version: 1,
  tables: ["log_lines", "log_owners"],
  schema,
  open: open(waiting)
})
