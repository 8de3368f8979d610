/** The append-only, hash-chained history (port). One process writes it; anybody may verify it. */
import { Context, Data, type Effect, type Stream } from "effect"
import type { AnyEvent } from "../../events/Catalogue.js"
import type { Row, StreamId } from "../../events/Envelope.js"

export interface Draft {
  readonly stream: StreamId
  /** The stream's version that the decision was made on; 0 for a stream that does not exist yet. */
  readonly expected: number
  readonly events: ReadonlyArray<AnyEvent>
  /** A public key, or the path of an actor in the tree. */
  readonly by: string
  readonly cause?: string | null
  readonly trace?: string | null
}

/** Somebody else appended meanwhile: read the stream again, then decide again. Nothing was written. */
export class WrongVersion extends Data.TaggedError("WrongVersion")<{
  readonly stream: StreamId
  readonly expected: number
  readonly actual: number
}> {}

/**
 * The log cannot append (disk full, I/O error, closing). `written: "no"` means that nothing was written and the
 * caller's state still holds; `"unknown"` means: replay before the next decision.
 */
export class LogUnavailable extends Data.TaggedError("LogUnavailable")<{
  readonly reason: string
  readonly written: "no" | "unknown"
  /** What could not be read, where it was not to be written: an actor's own history, or anything else. */
  readonly unread?: "history" | "view"
}> {
  override get message() {
    return this.reason
  }
}

/** The log is not the one that was written: refuse to go on. */
export class LogCorrupt extends Data.TaggedError("LogCorrupt")<{ readonly seq: number; readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

export interface Head {
  readonly seq: number
  readonly hash: string
}

export interface Verdict {
  readonly ok: boolean
  readonly events: number
  readonly head: string
  readonly firstBadSeq?: number
  readonly reason?: string
}

export class EventLog extends Context.Tag("log/EventLog")<
  EventLog,
  {
    /** Resolves with the rows once they are durable. Group-committed; several drafts may share a commit, each with its own outcome. */
    readonly append: (draft: Draft) => Effect.Effect<ReadonlyArray<Row>, WrongVersion | LogUnavailable>
    /** The stream's rows after `version` (default 0: all), oldest first. */
    readonly read: (stream: StreamId, after?: number) => Effect.Effect<ReadonlyArray<Row>, LogUnavailable>
    /** At most `limit` rows with seq > `after`. */
    readonly page: (after: number, limit: number) => Effect.Effect<ReadonlyArray<Row>, LogUnavailable>
    /** Rows with seq > `after`, then live ones for ever: no gap, no duplicate, bounded memory for a slow reader. */
    readonly tail: (after: number) => Stream.Stream<Row, LogUnavailable>
    readonly head: Effect.Effect<Head, LogUnavailable>
    /** Walks rows and signed checkpoints from the first to the head; names the first bad seq. */
    readonly verify: Effect.Effect<Verdict, LogUnavailable>
  }
>() {}
