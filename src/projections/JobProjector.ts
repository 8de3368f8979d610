/** Folds job events into the tables behind JobTable: one statement an event on the common path. */
import { versionOf } from "../../events/Catalogue.js"
import type { Projector } from "../log/Projector.js"
import type { Connection, Fold } from "./Reading.js"

const schema = `
CREATE TABLE IF NOT EXISTS jobs (
  seq INTEGER PRIMARY KEY,
  job TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  status TEXT NOT NULL,
  language TEXT NOT NULL,
  detected INTEGER NOT NULL,
  network TEXT NOT NULL,
  ttl_millis INTEGER NOT NULL,
  vcpu INTEGER NOT NULL,
  wants_artifacts INTEGER NOT NULL,
  wants_wasm INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  container TEXT,
  completed_at INTEGER,
  finished TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner, seq);
CREATE INDEX IF NOT EXISTS jobs_open ON jobs (owner, seq) WHERE completed_at IS NULL;
CREATE INDEX IF NOT EXISTS jobs_unhappy ON jobs (owner, status, seq) WHERE status IN ('failed', 'timeout', 'cancelled');
CREATE TABLE IF NOT EXISTS idempotency (
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  request TEXT NOT NULL,
  job TEXT NOT NULL,
  seq INTEGER NOT NULL,
  made_at INTEGER NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idempotency_by_job ON idempotency (job);
CREATE INDEX IF NOT EXISTS idempotency_by_age ON idempotency (seq, made_at);
`

const bit = (value: boolean): number => (value ? 1 : 0)

const open = (db: Connection): Fold => {
  const accept = db.prepare(
    `INSERT INTO jobs (seq, job, owner, status, language, detected, network, ttl_millis, vcpu, wants_artifacts, wants_wasm, created_at)
     VALUES (?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?)`
  )
  const claim = db.prepare(
    "UPDATE jobs SET status = 'running', started_at = ?, container = ? WHERE job = ? AND completed_at IS NULL"
  )
  const start = db.prepare(
    "UPDATE jobs SET status = 'running', started_at = ?, container = ? WHERE job = ? AND started_at IS NULL"
  )
  const finish = db.prepare("UPDATE jobs SET status = ?, completed_at = ?, finished = ? WHERE job = ?")
  const reserve = db.prepare(
    "INSERT OR REPLACE INTO idempotency (owner, key, request, job, seq, made_at) VALUES (?, ?, ?, ?, ?, ?)"
  )
  const forgetJobs = db.prepare("DELETE FROM jobs WHERE seq <= ? AND completed_at < ?")
  const forgetReservations = db.prepare("DELETE FROM idempotency WHERE seq <= ? AND made_at < ?")
  const release = db.prepare("DELETE FROM idempotency WHERE job = ?")
  return (row, event) => {
    switch (event._tag) {
      case "JobAccepted": {
        const wants = [bit(event.wantsArtifacts), bit(event.wantsWasm)] as const
        const { job, owner, language, detected, network, ttlMillis, vcpu, idempotency } = event
        accept.run(row.seq, job, owner, language, bit(detected), network, ttlMillis, vcpu, ...wants, row.at)
        if (idempotency !== null) reserve.run(owner, idempotency.key, idempotency.request, job, row.seq, row.at)
        return
      }
      // The moment that it has a container of its own; its own event of that may come later, with the next commit.
      case "ContainerClaimed":
        if (event.claimant._tag === "Job") claim.run(row.at, event.container, event.claimant.job)
        return
      case "JobStarted":
        start.run(row.at, event.container, event.job)
        return
      case "JobFinished":
        finish.run(event.status, row.at, JSON.stringify(event), event.job)
        // It never ran: the caller was told to come again, and may do so with the same key.
        if (event.cause === "no-capacity") release.run(event.job)
        return
      case "JobsForgotten":
        forgetJobs.run(event.through, event.endedBefore)
        return
      case "ReservationsForgotten":
        forgetReservations.run(event.through, event.madeBefore)
        return
      default:
    }
  }
}

/** `finished` keeps the newest shape of its event, so a newer shape means other tables. */
const version = versionOf("JobFinished") * 1_000 + 3

export const projector: Projector = { name: "jobs", version, tables: ["jobs", "idempotency"], schema, open }
