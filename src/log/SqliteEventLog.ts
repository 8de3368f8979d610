/** The log on SQLite: appends through the one writer, reads on a connection of their own. */
import type Sqlite from "better-sqlite3"
import { type Duration, Effect, Either, Layer, Schedule } from "effect"
import * as Appender from "./Appender.js"
import * as CheckpointFile from "./CheckpointFile.js"
import * as Checkpoints from "./Checkpoints.js"
import { Database, DataRefused, openReadOnly } from "./Database.js"
import { type Draft, EventLog, LogCorrupt, LogUnavailable } from "./EventLog.js"
import { GroupCommit } from "./GroupCommit.js"
import * as Intake from "./Intake.js"
import { micros } from "./Micros.js"
import * as Projection from "./Projection.js"
import { Projectors } from "./Projector.js"
import * as Rows from "./Rows.js"
import * as SigningKey from "./SigningKey.js"
import * as Tail from "./Tail.js"
import * as Verification from "./Verification.js"

export interface Options {
  /** Rows between two signed checkpoints; fewer find a cut tail sooner and sign more often. */
  readonly checkpointEvery?: number
  /** The longest that a row stays unsigned. */
  readonly checkpointWithin?: Duration.DurationInput
}

/** What opening may find: a refusal of the directory, or a log that is not the one that was written. */
const opening = <A>(path: string, body: () => A): Effect.Effect<A, DataRefused | LogCorrupt> =>
  Effect.try({
    try: body,
    catch: (error) =>
      error instanceof DataRefused || error instanceof LogCorrupt
        ? error
        : new DataRefused({ path, reason: String(error) })
  })

const hasHistory = (db: Sqlite.Database): boolean =>
  db.prepare("SELECT 1 FROM events UNION ALL SELECT 1 FROM checkpoints LIMIT 1").get() !== undefined

const reads = (rows: Rows.Rows) => ({
  read: (stream: string, after = 0) => Rows.reading(() => rows.stream(stream, after)),
  page: (after: number, limit: number) => Rows.reading(() => rows.page(after, limit))
})

const make = Effect.fnUntraced(function* (options: Options) {
  const { data, writer, reader } = yield* Database
  const commit = yield* GroupCommit
  const projectors = yield* Projectors
  const now = micros(yield* Effect.clock)
  const key = yield* opening(data, () => SigningKey.open(data, hasHistory(writer)))
  yield* opening(data, () => CheckpointFile.repair(data))
  yield* Verification.verifyTail({ db: reader, data, key })
  const projections = yield* opening(data, () => Projection.open(writer, projectors))

  const appender = Appender.make({ db: writer, key: key.rows, now, projections, notify: () => grown() })
  const signal = Tail.makeSignal(() => appender.head().seq)
  commit.join(appender)
  const checkpoints = yield* Checkpoints.make(
    { db: writer, data, key, commit, head: appender.head, now },
    { every: options.checkpointEvery ?? 1_000, within: options.checkpointWithin ?? "10 seconds" }
  )
  const grown = () => {
    signal.wake()
    checkpoints.notify(appender.head())
  }

  let closing = false
  const append = (draft: Draft) =>
    Effect.suspend(() => {
      if (closing) return new LogUnavailable({ reason: "the log is closing", written: "no" })
      const admitted = Intake.admit(draft)
      if (Either.isLeft(admitted)) return admitted.left
      const request = admitted.right
      return commit.submit(request.weight, () => appender.append(request))
    })
  // Runs before the finalizers above: what waits is answered, then the last checkpoint vouches for it.
  yield* Effect.addFinalizer(() => {
    closing = true
    signal.close()
    return Effect.ignore(commit.flush)
  })

  const { read, page } = reads(Rows.make(reader))
  return EventLog.of({
    append,
    read,
    page,
    tail: Tail.make(page, signal.wait),
    head: Effect.sync(() => ({ seq: appender.head().seq, hash: appender.head().hash })),
    verify: Verification.verify({ db: reader, data, key })
  })
})

export const layer = (options: Options = {}) => Layer.scoped(EventLog, make(options))

/** How often a reader beside a running server looks for new rows. */
const pollEvery = "200 millis"

/** For whoever looks at the log of another process: append is refused. */
export const makeReadOnly = Effect.fnUntraced(function* (data: string, options: Verification.Options = {}) {
  const db = yield* openReadOnly(data)
  const key = yield* opening(data, () => SigningKey.load(data))
  const rows = Rows.make(db)
  const { read, page } = reads(rows)
  const head = Rows.reading(() => rows.head())
  const wait = (after: number) =>
    head.pipe(
      Effect.map(({ seq }) => seq > after),
      Effect.repeat({ until: (more: boolean) => more, schedule: Schedule.spaced(pollEvery) }),
      Effect.asVoid
    )
  return EventLog.of({
    append: () => new LogUnavailable({ reason: "the log is open for reading only", written: "no" }),
    read,
    page,
    tail: Tail.make(page, wait),
    head: Effect.map(head, ({ seq, hash }) => ({ seq, hash })),
    verify: Verification.verify({ db, data, key }, options)
  })
})
