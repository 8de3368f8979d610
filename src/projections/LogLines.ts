/** The last lines about each key's own resources, for GET /logs: a ring a key, so that it never grows for ever. */
import { Context, Deferred, Effect, FiberId } from "effect"
import type { LogUnavailable } from "../log/EventLog.js"
import { type Level, levels, type Source } from "./LogLine.js"
import { projector, rank, type Waiting } from "./LogProjector.js"
import { type Connection, reading } from "./Reading.js"

export interface Line {
  /** The event's place in the log. */
  readonly seq: number
  /** Microseconds since 1970. */
  readonly at: number
  readonly source: Source
  readonly level: Level
  readonly text: string
}

export interface Filter {
  /** Undefined: all. */
  readonly source: Source | undefined
  /** This and above. */
  readonly level: Level
  /** Part of the line, whatever its case; empty: any. */
  readonly grep: string
}

export class LogLines extends Context.Tag("projections/LogLines")<
  LogLines,
  {
    /** The last ones since then, oldest first. */
    readonly last: (
      owner: string,
      filter: Filter,
      sinceMicros: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Line>, LogUnavailable>
    /** Unfiltered, oldest first: what came after that place. */
    readonly after: (owner: string, seq: number, limit: number) => Effect.Effect<ReadonlyArray<Line>, LogUnavailable>
    /** The place of the first line since then, less one. */
    readonly before: (owner: string, sinceMicros: number) => Effect.Effect<number, LogUnavailable>
    /** Resolves once there is a line after that place. */
    readonly grown: (owner: string, seq: number) => Effect.Effect<void, LogUnavailable>
  }
>() {}

interface Columns extends Omit<Line, "level"> {
  readonly level: number
}

const lineIn = ({ level, ...row }: Columns): Line => ({ ...row, level: levels[level] ?? "info" })

const read = (waiting: Waiting, db: Connection): Context.Tag.Service<LogLines> => {
  const last = db.prepare<[string, number, number, string, string, string, string, number], Columns>(
    `SELECT seq, at, source, level, text FROM log_lines WHERE owner = ? AND at >= ? AND level >= ?
     AND (? = '' OR source = ?) AND (? = '' OR instr(lower(text), lower(?)) > 0) ORDER BY seq DESC LIMIT ?`
  )
  const after = db.prepare<[string, number, number], Columns>(
    "SELECT seq, at, source, level, text FROM log_lines WHERE owner = ? AND seq > ? ORDER BY seq LIMIT ?"
  )
  const head = db.prepare<[string], number | null>("SELECT max(seq) FROM log_lines WHERE owner = ?").pluck()
  const first = db
    .prepare<[string, number], number | null>("SELECT min(seq) FROM log_lines WHERE owner = ? AND at >= ?")
    .pluck()
  const headOf = (owner: string): number => head.get(owner) ?? 0

  const join = (owner: string) =>
    Effect.sync(() => {
      const woken = Deferred.unsafeMake<void>(FiberId.none)
      // Called inside the commit; whoever it wakes looks after it.
      const wake = () => Deferred.unsafeDone(woken, Effect.void)
      waiting.set(owner, (waiting.get(owner) ?? new Set()).add(wake))
      return { woken, wake }
    })

  const leave = (owner: string, wake: () => void) =>
    Effect.sync(() => {
      const others = waiting.get(owner)
      others?.delete(wake)
      if (others?.size === 0) waiting.delete(owner)
    })

  return {
    last: (owner, { grep, level, source = "" }, since, limit) =>
      reading(() => last.all(owner, since, rank(level), source, source, grep, grep, limit).reverse().map(lineIn)),
    after: (owner, seq, limit) => reading(() => after.all(owner, seq, limit).map(lineIn)),
    before: (owner, since) => reading(() => (first.get(owner, since) ?? headOf(owner) + 1) - 1),
    grown: (owner, seq) =>
      Effect.acquireUseRelease(
        join(owner),
        ({ woken }) =>
          Effect.flatMap(
            reading(() => headOf(owner)),
            (now) => (now > seq ? Effect.void : Deferred.await(woken))
          ),
        ({ wake }) => leave(owner, wake)
      )
  }
}

/** The fold wakes those that wait at the reader: one pair a log. */
export const make = () => {
  const waiting: Waiting = new Map()
  return { projector: projector(waiting), read: (db: Connection) => read(waiting, db) } as const
}
