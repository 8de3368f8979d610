/** The checkpoints of a log from both places that keep them: the table, and the file beside the database. */
import { closeSync, openSync } from "node:fs"
import type Sqlite from "better-sqlite3"
import * as Checkpoint from "./Checkpoint.js"
import * as CheckpointFile from "./CheckpointFile.js"
import type { SigningKey } from "./SigningKey.js"

/** The first row that cannot be trusted, and why. */
export interface Finding {
  readonly seq: number
  readonly reason: string
}

const earliest = (a: Finding | undefined, b: Finding | undefined): Finding | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  return b.seq < a.seq ? b : a
}

const same = (a: Checkpoint.Checkpoint, b: Checkpoint.Checkpoint): boolean =>
  a.seq === b.seq && a.hash === b.hash && a.at === b.at && a.signature === b.signature

const openFile = (data: string): number | undefined => {
  try {
    return openSync(CheckpointFile.fileIn(data), "r")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  }
}

const columns = "seq, hash, at, signature"

type HashAt = (seq: number) => string | undefined

/** The caller closes it. */
export const make = (db: Sqlite.Database, data: string, key: SigningKey) => {
  const file = openFile(data)
  const between = db.prepare<[number, number], Checkpoint.Checkpoint>(
    `SELECT ${columns} FROM checkpoints WHERE seq > ? AND seq <= ? ORDER BY seq`
  )
  const newest = db.prepare<[], Checkpoint.Checkpoint>(`SELECT ${columns} FROM checkpoints ORDER BY seq DESC LIMIT 1`)
  const read = file === undefined ? () => undefined : CheckpointFile.reader(file)
  let ahead: CheckpointFile.Line | undefined

  const forged = (checkpoint: Checkpoint.Checkpoint): Finding | undefined =>
    Checkpoint.genuine(key, checkpoint)
      ? undefined
      : { seq: checkpoint.seq, reason: "its checkpoint is not signed by this log's owner" }

  const judge = (checkpoint: Checkpoint.Checkpoint, hashAt: HashAt): Finding | undefined => {
    const { seq, hash } = checkpoint
    const other = { seq, reason: "it is not the row that its checkpoint was signed for" }
    return forged(checkpoint) ?? (hashAt(seq) === hash ? undefined : other)
  }

  /** Lines of (after, upTo], or the finding that they end in. */
  const linesUpTo = (after: number, upTo: number): Array<Checkpoint.Checkpoint> | Finding => {
    const lines: Array<Checkpoint.Checkpoint> = []
    while (true) {
      ahead ??= read()
      if (ahead === "garbled") return { seq: after + 1, reason: "checkpoints.jsonl has a line that is no checkpoint" }
      if (ahead === undefined || ahead.seq > upTo) return lines
      if (ahead.seq <= after) return { seq: ahead.seq, reason: "checkpoints.jsonl is out of order" }
      lines.push(ahead)
      ahead = undefined
    }
  }

  /** Judges all checkpoints in (after, upTo]; to be called for ranges that follow each other from 0. */
  const examine = (after: number, upTo: number, hashAt: HashAt): Finding | undefined => {
    // The server writes the file first: read after the table, it has whatever the table had.
    const rows = between.all(after, upTo)
    const lines = linesUpTo(after, upTo)
    if (!Array.isArray(lines)) return lines
    let finding: Finding | undefined
    for (const line of lines) finding = earliest(finding, judge(line, hashAt))
    for (const row of rows) {
      if (lines.some((line) => same(line, row))) continue
      const missing = { seq: row.seq, reason: "checkpoints.jsonl lacks its checkpoint" }
      finding = earliest(finding, judge(row, hashAt) ?? missing)
    }
    return finding
  }

  return {
    examine,
    judge,
    forged,
    newest: () => newest.get(),
    newestLine: () => (file === undefined ? undefined : CheckpointFile.last(file)),
    close: () => {
      if (file !== undefined) closeSync(file)
    }
  }
}

export type Witnesses = ReturnType<typeof make>
