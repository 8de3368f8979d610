/** A log in memory whose next appends and reads can be made to go wrong. */
import { Effect, Stream } from "effect"
import type { AnyEvent } from "../../events/Catalogue.js"
import { versionOf } from "../../events/Catalogue.js"
import type { Row, StreamId } from "../../events/Envelope.js"
import type { Json, JsonObject } from "../../events/Versioned.js"
import { type Draft, EventLog, LogUnavailable, WrongVersion } from "../../src/log/EventLog.js"

/** What becomes of one append: `no…` leaves nothing behind, `written…` leaves its rows although the caller does not hear so. */
export type Fault = "fine" | "no" | "unknown" | "written-unknown" | "dies" | "written-dies" | "raced"

const jsonOf = (event: AnyEvent): JsonObject => {
  const { _tag, ...data } = JSON.parse(JSON.stringify(event)) as { readonly [key: string]: Json }
  return data
}

export class MemoryLog {
  readonly rows: Array<Row> = []
  /** Taken from the front, one an append; then all is fine. */
  faults: Array<Fault> = []
  /** Run before each append, as a slow disk would. */
  delay: Effect.Effect<void> = Effect.void
  /** Written by somebody else just before a raced append. */
  rival: ReadonlyArray<AnyEvent> = []
  reads = 0

  of(stream: StreamId): ReadonlyArray<Row> {
    return this.rows.filter((row) => row.stream === stream)
  }

  write(draft: Pick<Draft, "stream" | "events" | "by"> & Partial<Draft>): ReadonlyArray<Row> {
    let version = this.of(draft.stream).length
    const written = draft.events.map((event, index): Row => {
      version += 1
      const { by, cause = null, stream, trace = null } = draft
      const place = { seq: this.rows.length + index + 1, stream, version, at: 0, by, cause, trace, prev: "", hash: "" }
      return { ...place, type: event._tag, schema: versionOf(event._tag), data: jsonOf(event) }
    })
    this.rows.push(...written)
    return written
  }

  private append(draft: Draft): Effect.Effect<ReadonlyArray<Row>, WrongVersion | LogUnavailable> {
    const { expected, stream } = draft
    const fault = this.faults.shift() ?? "fine"
    if (fault === "raced") this.write({ ...draft, events: this.rival })
    if (fault === "dies") return Effect.dieMessage("append died")
    if (fault === "no" || fault === "unknown")
      return Effect.fail(new LogUnavailable({ reason: "disk full", written: fault }))
    const actual = this.of(stream).length
    if (actual !== expected) return Effect.fail(new WrongVersion({ stream, expected, actual }))
    const rows = this.write(draft)
    if (fault === "written-unknown") return Effect.fail(new LogUnavailable({ reason: "lost", written: "unknown" }))
    return fault === "written-dies" ? Effect.dieMessage("append died after it wrote") : Effect.succeed(rows)
  }

  readonly service = EventLog.of({
    append: (draft) =>
      Effect.zipRight(
        this.delay,
        Effect.suspend(() => this.append(draft))
      ),
    read: (stream, after = 0) =>
      Effect.sync(() => {
        this.reads += 1
        return this.of(stream).slice(after)
      }),
    page: (after, limit) => Effect.sync(() => this.rows.slice(after, after + limit)),
    tail: () => Stream.empty,
    head: Effect.sync(() => ({ seq: this.rows.length, hash: "" })),
    verify: Effect.succeed({ ok: true, events: 0, head: "" })
  })
}
