/** The lists that say where semitrusted containers may go: the server's and each key's, wholly in memory. */
import { Context, Effect } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { LogUnavailable } from "../log/EventLog.js"
import type { Projector } from "../log/Projector.js"
import { type Connection, type Fold, reading } from "./Reading.js"

/** Rules as they are written. */
export interface Lists {
  readonly allow: ReadonlyArray<string>
  readonly deny: ReadonlyArray<string>
}

export interface Listed extends Lists {
  /** Null: the server's own. */
  readonly key: PublicKey | null
}

export class EgressTable extends Context.Tag("projections/EgressTable")<
  EgressTable,
  {
    /** What holds for a key: its own allow-list, or the server's when it has none; what either denies. */
    readonly of: (key: PublicKey) => Effect.Effect<Lists, LogUnavailable>
    /** The server's first, then by key; without those that are empty. */
    readonly list: Effect.Effect<ReadonlyArray<Listed>, LogUnavailable>
    /** How often the lists were changed since this process began. */
    readonly changes: () => number
    /** Resolves once they were changed more often than that. */
    readonly changed: (than: number) => Effect.Effect<void>
  }
>() {}

const schema = `
CREATE TABLE IF NOT EXISTS egress (
  key TEXT PRIMARY KEY,
  allow TEXT NOT NULL,
  deny TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`

/** No key has this name. */
const SERVER = ""
const none: Lists = { allow: [], deny: [] }

/** What the fold tells the reader: that what it has in memory is old, and whoever waits for that. */
class News {
  count = 0
  private readonly waiting = new Set<() => void>()

  readonly tell = (): void => {
    this.count += 1
    for (const resume of this.waiting) resume()
  }

  readonly after = (count: number): Effect.Effect<void> =>
    Effect.async((resume) => {
      const look = () => {
        if (this.count <= count) return
        this.waiting.delete(look)
        resume(Effect.void)
      }
      this.waiting.add(look)
      look()
      return Effect.sync(() => this.waiting.delete(look))
    })
}

const open =
  (news: News) =>
  (db: Connection): Fold => {
    const become = db.prepare("INSERT OR REPLACE INTO egress (key, allow, deny) VALUES (?, ?, ?)")
    return (_, event) => {
      if (event._tag !== "EgressPolicyChanged") return
      become.run(event.key ?? SERVER, JSON.stringify(event.allow), JSON.stringify(event.deny))
      news.tell()
    }
  }

interface Columns {
  readonly key: PublicKey | typeof SERVER
  readonly allow: string
  readonly deny: string
}

const read = (news: News, db: Connection): Context.Tag.Service<EgressTable> => {
  const all = db.prepare<[], Columns>("SELECT key, allow, deny FROM egress ORDER BY key")
  const known = new Map<Columns["key"], Lists>()
  let seen = -1
  // A fold and its commit are one synchronous step, so whoever looks here looks after the commit (or the rollback).
  const current = () => {
    if (seen === news.count) return known
    known.clear()
    for (const { allow, deny, key } of all.all()) known.set(key, { allow: JSON.parse(allow), deny: JSON.parse(deny) })
    seen = news.count
    return known
  }
  const of = (key: PublicKey): Lists => {
    const server = current().get(SERVER) ?? none
    const own = current().get(key) ?? none
    return { allow: own.allow.length > 0 ? own.allow : server.allow, deny: [...server.deny, ...own.deny] }
  }
  const listed = ([key, { allow, deny }]: readonly [Columns["key"], Lists]): Listed => ({
    key: key === SERVER ? null : key,
    allow,
    deny
  })
  const told = ({ allow, deny }: Lists) => allow.length + deny.length > 0
  return {
    of: (key) => reading(() => of(key)),
    list: reading(() => [...current()].map(listed).filter(told)),
    changes: () => news.count,
    changed: news.after
  }
}

/** The fold and the reader share what changed: one pair a log. */
export const make = () => {
  const news = new News()
  const projector: Projector = { name: "egress", version: 1, tables: ["egress"], schema, open: open(news) }
  return { projector, read: (db: Connection) => read(news, db) } as const
}
