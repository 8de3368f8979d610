/** The challenges of the last day: which are open, and how much was asked and missed under a key. */
import { Context, type Effect } from "effect"
import type { Channel } from "../../events/Confirmation.js"
import type { ChallengeId, PublicKey } from "../../events/Ids.js"
import type { LogUnavailable } from "../log/EventLog.js"
import type { Projector } from "../log/Projector.js"
import { type Connection, type Fold, reading } from "./Reading.js"

/** Times in microseconds since 1970. */
export interface OpenChallenge {
  readonly challenge: ChallengeId
  readonly key: PublicKey
  readonly method: string
  readonly path: string
  readonly channel: Channel
  readonly askedAt: number
  readonly expiresAt: number
  readonly misses: number
}

interface Tally {
  readonly count: number
  /** The oldest that was counted; 0 when there is none. */
  readonly since: number
}

export class ConfirmationTable extends Context.Tag("projections/ConfirmationTable")<
  ConfirmationTable,
  {
    /** Neither answered nor void nor expired, oldest first; at most 1,000. */
    readonly open: (now: number) => Effect.Effect<ReadonlyArray<OpenChallenge>, LogUnavailable>
    readonly openOf: (key: PublicKey, now: number) => Effect.Effect<ReadonlyArray<OpenChallenge>, LogUnavailable>
    /** Challenges of the key asked since then; a day is remembered. */
    readonly asked: (key: PublicKey, since: number) => Effect.Effect<Tally, LogUnavailable>
    /** Wrong codes for those. */
    readonly missed: (key: PublicKey, since: number) => Effect.Effect<Tally, LogUnavailable>
  }
>() {}

const schema = `
CREATE TABLE IF NOT EXISTS confirmations (
  seq INTEGER PRIMARY KEY,
  challenge TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  channel TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  misses INTEGER NOT NULL,
  is_open INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS confirmations_by_key ON confirmations (key, asked_at);
CREATE INDEX IF NOT EXISTS confirmations_by_time ON confirmations (asked_at);
CREATE INDEX IF NOT EXISTS confirmations_open ON confirmations (key, expires_at) WHERE is_open = 1;
`

const DAY = 86_400_000_000

const open = (db: Connection): Fold => {
  const ask = db.prepare(
    `INSERT INTO confirmations (seq, challenge, key, method, path, channel, asked_at, expires_at, misses, is_open)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 1)`
  )
  const forget = db.prepare("DELETE FROM confirmations WHERE asked_at < ?")
  const miss = db.prepare("UPDATE confirmations SET misses = ? WHERE challenge = ?")
  const close = db.prepare("UPDATE confirmations SET is_open = 0 WHERE challenge = ?")
  return (row, event) => {
    switch (event._tag) {
      case "ConfirmationAsked": {
        const { challenge, channel, expiresAt, key, method, path } = event
        forget.run(row.at - DAY)
        ask.run(row.seq, challenge, key, method, path, channel, row.at, expiresAt)
        return
      }
      case "ConfirmationMissed":
        miss.run(event.misses, event.challenge)
        return
      case "ConfirmationGiven":
      case "ConfirmationVoided":
        close.run(event.challenge)
        return
      default:
    }
  }
}

export const projector: Projector = { name: "confirmations", version: 1, tables: ["confirmations"], schema, open }

const columns = "challenge, key, method, path, channel, asked_at AS askedAt, expires_at AS expiresAt, misses"

export const read = (db: Connection): Context.Tag.Service<ConfirmationTable> => {
  const all = db.prepare<[number], OpenChallenge>(
    `SELECT ${columns} FROM confirmations WHERE is_open = 1 AND expires_at > ? ORDER BY seq LIMIT 1000`
  )
  const ofKey = db.prepare<[string, number], OpenChallenge>(
    `SELECT ${columns} FROM confirmations WHERE is_open = 1 AND key = ? AND expires_at > ? ORDER BY seq`
  )
  const tally = (sum: "count(*)" | "sum(misses)", least: number) =>
    db.prepare<[string, number], Tally>(
      `SELECT coalesce(${sum}, 0) AS count, coalesce(min(asked_at), 0) AS since FROM confirmations
       WHERE key = ? AND asked_at > ? AND misses >= ${least}`
    )
  const counted = tally("count(*)", 0)
  const summed = tally("sum(misses)", 1)
  const none: Tally = { count: 0, since: 0 }
  return {
    open: (now) => reading(() => all.all(now)),
    openOf: (key, now) => reading(() => ofKey.all(key, now)),
    asked: (key, since) => reading(() => counted.get(key, since) ?? none),
    missed: (key, since) => reading(() => summed.get(key, since) ?? none)
  }
}
