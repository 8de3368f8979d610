/** Folds session events into the table behind SessionTable: one statement an event. */
import type { Projector } from "../log/Projector.js"
import type { Connection, Fold } from "./Reading.js"

const schema = `
CREATE TABLE IF NOT EXISTS sessions (
  seq INTEGER PRIMARY KEY,
  session TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  status TEXT NOT NULL,
  rest TEXT,
  hold TEXT,
  network TEXT NOT NULL,
  shell TEXT NOT NULL,
  multiplexer TEXT,
  vcpu INTEGER NOT NULL,
  boost INTEGER,
  locked INTEGER NOT NULL,
  audit TEXT NOT NULL,
  container TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER,
  ended_at INTEGER,
  cause TEXT,
  exit_code INTEGER,
  reason TEXT,
  recording TEXT,
  recording_bytes INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS sessions_by_owner ON sessions (owner, seq);
CREATE INDEX IF NOT EXISTS sessions_open ON sessions (owner, seq) WHERE ended_at IS NULL;
`

const bit = (value: boolean): number => (value ? 1 : 0)

const open = (db: Connection): Fold => {
  const opened = db.prepare(
    `INSERT INTO sessions (seq, session, owner, status, network, shell, multiplexer, vcpu, locked, audit, created_at, updated_at, expires_at)
     VALUES (?, ?, ?, 'starting', ?, ?, ?, ?, 0, ?, ?, ?, ?)`
  )
  const started = db.prepare(
    `UPDATE sessions SET status = 'running', rest = NULL, hold = NULL, container = ?, started_at = coalesce(started_at, ?), updated_at = ?
     WHERE session = ?`
  )
  const frozen = db.prepare("UPDATE sessions SET status = 'frozen', hold = ?, updated_at = ? WHERE session = ?")
  const thawed = db.prepare("UPDATE sessions SET status = 'running', hold = NULL, updated_at = ? WHERE session = ?")
  const stopped = db.prepare(
    "UPDATE sessions SET status = 'stopped', rest = ?, container = NULL, updated_at = ? WHERE session = ?"
  )
  const boosted = db.prepare("UPDATE sessions SET boost = ?, updated_at = ? WHERE session = ?")
  const locked = db.prepare("UPDATE sessions SET locked = ?, updated_at = ? WHERE session = ?")
  const extended = db.prepare("UPDATE sessions SET expires_at = ?, updated_at = ? WHERE session = ?")
  const ended = db.prepare(
    "UPDATE sessions SET status = 'ended', ended_at = ?, updated_at = ?, cause = ?, exit_code = ?, reason = ? WHERE session = ?"
  )
  const recorded = db.prepare("UPDATE sessions SET recording = ?, recording_bytes = ? WHERE session = ?")
  return ({ at, seq }, event) => {
    switch (event._tag) {
      case "SessionOpened": {
        const { audit, expiresAt, multiplexer, network, owner, session, shell, vcpu } = event
        opened.run(seq, session, owner, network, shell, multiplexer, vcpu, audit, at, at, expiresAt)
        return
      }
      case "SessionStarted":
        started.run(event.container, at, at, event.session)
        return
      case "SessionFrozen":
        frozen.run(event.hold === null ? null : JSON.stringify(event.hold), at, event.session)
        return
      case "SessionThawed":
        thawed.run(at, event.session)
        return
      case "SessionStopped":
        stopped.run(event.rest, at, event.session)
        return
      case "SessionBoosted":
        boosted.run(event.vcpu, at, event.session)
        return
      case "SessionUnboosted":
        boosted.run(null, at, event.session)
        return
      case "SessionLocked":
      case "SessionUnlocked":
        locked.run(bit(event._tag === "SessionLocked"), at, event.session)
        return
      case "SessionExtended":
        extended.run(event.expiresAt, at, event.session)
        return
      case "SessionEnded":
        ended.run(at, at, event.cause, event.exitCode, event.reason, event.session)
        return
      case "SessionRecorded":
        recorded.run(event.recording.digest, event.recording.bytes, event.session)
        return
      default:
    }
  }
}

export const projector: Projector = { name: "sessions", version: 2, tables: ["sessions"], schema, open }
