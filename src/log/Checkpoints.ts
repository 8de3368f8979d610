/** Signs where the log stands, every so many rows or seconds, for the file first and then for the table. */
import type Sqlite from "better-sqlite3"
import { type Duration, Effect, Exit } from "effect"
import type { Link } from "./Chain.js"
import * as Checkpoint from "./Checkpoint.js"
import * as CheckpointFile from "./CheckpointFile.js"
import { LogUnavailable } from "./EventLog.js"
import type { GroupCommit } from "./GroupCommit.js"
import type { SigningKey } from "./SigningKey.js"

export interface Options {
  /** Rows after which a checkpoint is due. */
  readonly every: number
  /** The longest that a new row waits for one. */
  readonly within: Duration.DurationInput
}

interface Parts {
  readonly db: Sqlite.Database
  readonly data: string
  readonly key: SigningKey
  readonly commit: GroupCommit["Type"]
  readonly head: () => Link
  readonly now: () => number
}

const unavailable = (error: unknown) => new LogUnavailable({ reason: String(error), written: "no" })

/** Closing the scope signs what is not signed yet; until then the fiber goes on through full disks. */
export const make = Effect.fnUntraced(function* (parts: Parts, options: Options) {
  const { db, data, key, commit, head, now } = parts
  const insert = db.prepare("INSERT OR REPLACE INTO checkpoints (seq, hash, at, signature) VALUES (?, ?, ?, ?)")
  let signed = db.prepare<[], number>("SELECT coalesce(max(seq), 0) FROM checkpoints").pluck().get() ?? 0
  let due = () => {}

  const keep = Effect.fnUntraced(function* (checkpoint: Checkpoint.Checkpoint) {
    // The file first: a table that has more than the file is how a cut file is noticed.
    yield* Effect.tryPromise({ try: () => CheckpointFile.append(data, checkpoint), catch: unavailable })
    const { seq, hash, at, signature } = checkpoint
    yield* commit.submit(512, () => Exit.succeed(insert.run(seq, hash, at, signature)))
    signed = seq
  })

  // Not to be interrupted between the two places.
  const sign = Effect.suspend(() => {
    const { seq, hash } = head()
    return seq === signed ? Effect.void : keep(Checkpoint.sign(key, { seq, hash, at: now() }))
  }).pipe(Effect.uninterruptible)

  const enough = Effect.async<void>((resume) => {
    due = () => resume(Effect.void)
    if (head().seq - signed >= options.every) due()
  })

  const round = Effect.timeoutOption(enough, options.within).pipe(
    Effect.zipRight(sign),
    Effect.catchAll((error) =>
      Effect.logWarning("no checkpoint", error.reason).pipe(Effect.zipRight(Effect.sleep("1 second")))
    )
  )
  // Finalizers run last first: the fiber has ended when the last checkpoint is signed.
  yield* Effect.addFinalizer(() =>
    Effect.catchAllCause(sign, (cause) => Effect.logWarning("no last checkpoint", cause))
  )
  yield* Effect.forkScoped(Effect.forever(round))
  return {
    /** The log has grown. */
    notify: ({ seq }: Link) => {
      if (seq - signed >= options.every) due()
    }
  }
})
