/** The oldest that the tables of jobs still have: what may be forgotten in one step. */
import { Context, type Effect } from "effect"
import type { LogUnavailable } from "../log/EventLog.js"
import { type Connection, reading } from "./Reading.js"

export interface Step {
  /** Everything up to this row of the log that is old enough. */
  readonly through: number
  /** So many are. */
  readonly count: number
}

export class JobRetention extends Context.Tag("projections/JobRetention")<
  JobRetention,
  {
    /** Among so many of the oldest jobs, those that had ended before then (microseconds since 1970). */
    readonly jobs: (endedBefore: number, most: number) => Effect.Effect<Step, LogUnavailable>
    /** The same of Idempotency-Keys, by when they were first used. */
    readonly reservations: (madeBefore: number, most: number) => Effect.Effect<Step, LogUnavailable>
  }
>() {}

interface Aged {
  readonly seq: number
  readonly at: number | null
}

const step = (oldest: ReadonlyArray<Aged>, before: number): Step => {
  const old = oldest.filter(({ at }) => at !== null && at < before)
  return { through: old.at(-1)?.seq ?? 0, count: old.length }
}

export const read = (db: Connection): Context.Tag.Service<JobRetention> => {
  // In the order of the log, which is nearly that of age, and never more than asked for: it costs the same when nothing is old.
  const jobs = db.prepare<[number], Aged>("SELECT seq, completed_at AS at FROM jobs ORDER BY seq LIMIT ?")
  const reservations = db.prepare<[number], Aged>("SELECT seq, made_at AS at FROM idempotency ORDER BY seq LIMIT ?")
  return {
    jobs: (endedBefore, most) => reading(() => step(jobs.all(most), endedBefore)),
    reservations: (madeBefore, most) => reading(() => step(reservations.all(most), madeBefore))
  }
}
