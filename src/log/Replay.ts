/** The state of a stream as it was: a fold over its rows up to a seq or a time. */
import { Effect, Either } from "effect"
import type { StreamId } from "../../events/Envelope.js"
import type { Reader } from "../../events/Versioned.js"
import { EventLog, LogCorrupt } from "./EventLog.js"

export interface Fold<S, E> {
  readonly initial: S
  readonly read: Reader<E>
  readonly evolve: (state: S, event: E) => S
}

/** The last row that counts, by its seq or by its time in µs. */
export type Moment = { readonly seq: number } | { readonly at: number }

export interface Replayed<S> {
  readonly state: S
  readonly version: number
}

/** Fails with LogCorrupt at the first row that this build cannot read: a guess would be another history. */
export const stateOf = Effect.fnUntraced(function* <S, E>(stream: StreamId, fold: Fold<S, E>, until?: Moment) {
  const log = yield* EventLog
  let replayed: Replayed<S> = { state: fold.initial, version: 0 }
  for (const row of yield* log.read(stream)) {
    if (until !== undefined && ("seq" in until ? row.seq > until.seq : row.at > until.at)) break
    const event = fold.read(row.type, row.schema, row.data)
    if (Either.isLeft(event)) return yield* new LogCorrupt({ seq: row.seq, reason: event.left.reason })
    replayed = { state: fold.evolve(replayed.state, event.right), version: row.version }
  }
  return replayed
})
