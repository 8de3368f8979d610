/** Every API key that was ever made, as it stands now; wholly in memory, because each request asks for one. */
import { Context, type Effect, Option } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { LogUnavailable } from "../log/EventLog.js"
import type { Projector } from "../log/Projector.js"
import { type Connection, type Fold, reading } from "./Reading.js"

export type KeyStatus = "active" | "suspended" | "revoked"

/** Times in microseconds since 1970. */
export interface KeyRecord {
  readonly key: PublicKey
  readonly label: string
  readonly status: KeyStatus
  readonly expiresAt: number | null
  readonly createdAt: number
}

export class KeyTable extends Context.Tag("projections/KeyTable")<
  KeyTable,
  {
    readonly find: (key: string) => Effect.Effect<Option.Option<KeyRecord>, LogUnavailable>
    /** Oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<KeyRecord>, LogUnavailable>
  }
>() {}

const schema = `
CREATE TABLE IF NOT EXISTS keys (
  seq INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  label TEXT NOT NULL,
  status TEXT NOT NULL,
  expires_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
`

/** Keys whose row changed since the reader last looked at it. */
type Stale = Set<string>

const open =
  (stale: Stale) =>
  (db: Connection): Fold => {
    const create = db.prepare(
      "INSERT INTO keys (seq, key, label, status, expires_at, created_at) VALUES (?, ?, ?, 'active', ?, ?)"
    )
    const become = db.prepare("UPDATE keys SET status = ? WHERE key = ?")
    const change = (key: PublicKey, status: KeyStatus) => {
      become.run(status, key)
      stale.add(key)
    }
    return (row, event) => {
      switch (event._tag) {
        case "KeyCreated":
          create.run(row.seq, event.key, event.label, event.expiresAt, row.at)
          stale.add(event.key)
          return
        case "KeySuspended":
          return change(event.key, "suspended")
        case "KeyResumed":
          return change(event.key, "active")
        case "KeyRevoked":
          return change(event.key, "revoked")
        default:
      }
    }
  }

const columns = "key, label, status, expires_at AS expiresAt, created_at AS createdAt"

const read = (stale: Stale, db: Connection): Context.Tag.Service<KeyTable> => {
  const one = db.prepare<[string], KeyRecord>(`SELECT ${columns} FROM keys WHERE key = ?`)
  const all = db.prepare<[], KeyRecord>(`SELECT ${columns} FROM keys ORDER BY seq`)
  const known = new Map(all.all().map((record) => [String(record.key), record]))
  // A fold and its commit are one synchronous step, so whoever looks here looks after the commit (or the rollback).
  const refresh = (key: string) => {
    const record = one.get(key)
    if (record === undefined) known.delete(key)
    else known.set(key, record)
    stale.delete(key)
  }
  const find = (key: string) => {
    if (stale.has(key)) refresh(key)
    return Option.fromNullable(known.get(key))
  }
  stale.clear()
  return { find: (key) => reading(() => find(key)), list: reading(() => all.all()) }
}

/** The fold and the reader share which keys changed: one pair a log. */
export const make = () => {
  const stale: Stale = new Set()
  const projector: Projector = { name: "keys", version: 1, tables: ["keys"], schema, open: open(stale) }
  return { projector, read: (db: Connection) => read(stale, db) } as const
}
