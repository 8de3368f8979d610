/** What becomes of a key, folded into its row. */
import type { AnyEvent } from "../../events/Catalogue.js"
import type { Grants } from "../../events/Grants.js"
import * as Key from "../../events/Key.js"
import type { Projector } from "../log/Projector.js"
import type { Connection, Fold } from "./Reading.js"

const schema = `
CREATE TABLE IF NOT EXISTS keys (
  seq INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  label TEXT NOT NULL,
  status TEXT NOT NULL,
  expires_at INTEGER,
  created_at INTEGER NOT NULL,
  parent TEXT,
  generation INTEGER NOT NULL,
  given_to TEXT,
  tier TEXT NOT NULL,
  limits TEXT NOT NULL,
  scopes TEXT NOT NULL,
  confirm TEXT NOT NULL,
  email TEXT,
  webhook TEXT,
  totp INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS keys_by_parent ON keys (parent) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS keys_by_service ON keys (given_to) WHERE given_to IS NOT NULL;
`

const tags: ReadonlySet<string> = new Set(Key.all.map(({ tag }) => tag))
const isKeyEvent = (event: AnyEvent): event is Key.KeyEvent => tags.has(event._tag)

/** Keys whose row changed since the reader last looked at it. */
export type Stale = Set<string>

const insert = `INSERT INTO keys (seq, key, label, status, expires_at, created_at, parent, generation, given_to, tier, limits,
  scopes, confirm, totp) VALUES (?, ?, ?, 'active', ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`

const open =
  (stale: Stale) =>
  (db: Connection): Fold => {
    const create = db.prepare(insert)
    const become = db.prepare("UPDATE keys SET status = ? WHERE key = ?")
    const extend = db.prepare("UPDATE keys SET expires_at = ? WHERE key = ?")
    const grant = db.prepare("UPDATE keys SET tier = ?, limits = ?, scopes = ? WHERE key = ?")
    const confirm = db.prepare("UPDATE keys SET confirm = ? WHERE key = ?")
    const contact = db.prepare("UPDATE keys SET email = ?, webhook = ? WHERE key = ?")
    const totp = db.prepare("UPDATE keys SET totp = ? WHERE key = ?")
    const granted = ({ limits, scopes, tier }: Grants) =>
      [tier, JSON.stringify(limits), JSON.stringify(scopes)] as const
    const created = (seq: number, at: number, event: Key.KeyCreated) => {
      const { confirm, expiresAt, generation, givenTo, key, label, parent } = event
      return create.run(seq, key, label, expiresAt, at, parent, generation, givenTo, ...granted(event), confirm)
    }
    const fold = (row: Parameters<Fold>[0], event: Key.KeyEvent): void => {
      switch (event._tag) {
        case "KeyCreated":
          return void created(row.seq, row.at, event)
        case "KeySuspended":
          return void become.run("suspended", event.key)
        case "KeyResumed":
          return void become.run("active", event.key)
        case "KeyRevoked":
          return void become.run("revoked", event.key)
        case "KeyExtended":
          return void extend.run(event.expiresAt, event.key)
        case "KeyGranted":
          return void grant.run(...granted(event), event.key)
        case "KeyConfirmationSet":
          return void confirm.run(event.confirm, event.key)
        case "KeyContactChanged":
          return void contact.run(event.email, event.webhook, event.key)
        case "KeyTotpEnrolled":
        case "KeyTotpRemoved":
          return void totp.run(event._tag === "KeyTotpEnrolled" ? 1 : 0, event.key)
      }
    }
    return (row, event) => {
      if (!isKeyEvent(event)) return
      fold(row, event)
      stale.add(event.key)
    }
  }

export const projector = (stale: Stale): Projector => {
  return { name: "keys", version: 2, tables: ["keys"], schema, open: open(stale) }
}
