/** What a caller wants to append, made ready on the caller's own time: only what can be written and read again passes. */
import { Either } from "effect"
import { type AnyEvent, versionOf } from "../../events/Catalogue.js"
import type { StreamId } from "../../events/Envelope.js"
import type { JsonObject } from "../../events/Versioned.js"
import * as Canonical from "./Canonical.js"
import { type Draft, LogUnavailable } from "./EventLog.js"

export interface Ready {
  readonly event: AnyEvent
  readonly type: string
  readonly schema: number
  readonly data: JsonObject
  /** The canonical text of `data`. */
  readonly text: string
}

export interface Request {
  readonly stream: StreamId
  readonly expected: number
  readonly by: string
  readonly cause: string | null
  readonly trace: string | null
  readonly events: ReadonlyArray<Ready>
  /** About what it holds in memory, in bytes. */
  readonly weight: number
}

/** Events are small facts; what is larger belongs into the store of blobs. */
const mostBytes = 1024 * 1024

const surrogates = /[\ud800-\udfff]/

// SQLite keeps UTF-8, so a lone surrogate would come back as another character and break the row's own hash.
const wellFormed = (text: string): string => (surrogates.test(text) ? Buffer.from(text).toString() : text)

const ready = (event: AnyEvent): Ready => {
  const { _tag: type, ...data } = event
  // Its type says what it holds. Decoding it once more before it is written was a fifth of all that a run allocates.
  return { event, type, schema: versionOf(type), data, text: Canonical.encode(data) }
}

const optional = (text: string | null | undefined): string | null => (text == null ? null : wellFormed(text))

const prepare = (draft: Draft): Request => {
  if (!Number.isSafeInteger(draft.expected) || draft.expected < 0) throw new TypeError("expected is not a version")
  const events = draft.events.map(ready)
  const weight = events.reduce((bytes, event) => bytes + 2 * event.text.length + 512, 512)
  if (weight > mostBytes) throw new RangeError(`the events are larger than ${mostBytes} bytes`)
  const { stream, expected } = draft
  return {
    stream,
    expected,
    by: wellFormed(draft.by),
    cause: optional(draft.cause),
    trace: optional(draft.trace),
    events,
    weight
  }
}

export const admit = (draft: Draft): Either.Either<Request, LogUnavailable> =>
  Either.try({
    try: () => prepare(draft),
    catch: (error) => new LogUnavailable({ reason: `refused: ${String(error)}`, written: "no" })
  })
