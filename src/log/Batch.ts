/** One transaction for many units of work: all of them are on disk when it returns nothing, none when it returns why. */
import Sqlite from "better-sqlite3"
import { LogUnavailable } from "./EventLog.js"

/** Keeps something in memory about the tables, and so must hear how a transaction went. */
export interface Participant {
  /** Before the first unit; re-reads what `abandoned` made doubtful. */
  readonly begin: () => void
  /** After the last unit, inside the transaction. */
  readonly finish: () => void
  readonly committed: () => void
  readonly abandoned: () => void
}

/** Why nothing of the batch counts. `storage`: the disk's fault, so that trying the units one by one is of no use. */
export interface Abandoned {
  readonly error: LogUnavailable
  readonly storage: boolean
}

export interface Runnable {
  readonly run: () => void
}

type Phase = "opening" | "running" | "committing"

const codeOf = (error: unknown): string => (error instanceof Sqlite.SqliteError ? error.code : "")

/**
 * Only a full disk is known to leave no commit mark in the journal, because the mark is written last. After any other
 * failed COMMIT the mark may be on disk, and a crash would bring the transaction back.
 */
const certain = (error: unknown, phase: Phase): boolean => phase !== "committing" || codeOf(error) === "SQLITE_FULL"

const ofStorage = (error: unknown, phase: Phase): boolean =>
  phase !== "running" ||
  /^SQLITE_(BUSY|CANTOPEN|CORRUPT|FULL|IOERR|LOCKED|NOMEM|NOTADB|PROTOCOL|READONLY)/.test(codeOf(error))

export const make = (db: Sqlite.Database, participants: ReadonlyArray<Participant>) => {
  const begin = db.prepare("BEGIN IMMEDIATE")
  const commit = db.prepare("COMMIT")
  const rollback = db.prepare("ROLLBACK")
  /** A commit mark may be in the journal: it must go before anything else is written or read. */
  let ghost = false

  const layGhost = () => {
    if (!ghost) return
    const busy = db.pragma("wal_checkpoint(TRUNCATE)", { simple: true })
    if (busy !== 0) throw new Error("the journal is in use by a reader")
    ghost = false
  }

  const undo = (error: unknown, phase: Phase): Abandoned => {
    let undone = true
    try {
      if (db.inTransaction) rollback.run()
    } catch {
      undone = false
    }
    const written = undone && certain(error, phase) ? "no" : "unknown"
    if (written === "unknown") ghost = true
    for (const participant of participants) participant.abandoned()
    return { error: new LogUnavailable({ reason: String(error), written }), storage: ofStorage(error, phase) }
  }

  return (units: ReadonlyArray<Runnable>): Abandoned | undefined => {
    let phase: Phase = "opening"
    try {
      layGhost()
      begin.run()
      for (const participant of participants) participant.begin()
      phase = "running"
      for (const unit of units) unit.run()
      for (const participant of participants) participant.finish()
      phase = "committing"
      commit.run()
    } catch (error) {
      return undo(error, phase)
    }
    for (const participant of participants) participant.committed()
    return undefined
  }
}
