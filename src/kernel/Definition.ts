/** What makes an actor: where its history is, what it decides, and how the world follows. */
import type { Effect, Either } from "effect"
import type { AnyEvent } from "../../events/Catalogue.js"
import type { Row, StreamId } from "../../events/Envelope.js"
import type { Reader } from "../../events/Versioned.js"

export interface Definition<S, C, E extends AnyEvent, Rej> {
  readonly stream: StreamId
  /** Its path in the tree: the events' `by` when a command brings none. */
  readonly by: string
  /** Commands that may wait; one more is refused (`NotAccepted`, "full"). */
  readonly capacity: number
  readonly initial: S
  readonly decide: (state: S, command: C) => Either.Either<ReadonlyArray<E>, Rej>
  readonly evolve: (state: S, event: E) => S
  readonly read: Reader<E>
  /**
   * Makes the world match the state, after replay and after every append. Idempotent; forks long work itself. A crash
   * only delays it: the next run reacts to the replayed state first.
   */
  readonly react: (state: S) => Effect.Effect<void>
  /** A finished actor ends well once it has answered and reacted. */
  readonly done: (state: S) => boolean
  /** The stream is new: the first run does not read it. Should that be wrong, the first append is refused and the next run reads. */
  readonly born?: boolean
}

export interface Meta {
  readonly by?: string
  readonly cause?: string
  readonly trace?: string
}

export interface Committed<S> {
  readonly state: S
  /** None for a command that changed nothing. */
  readonly rows: ReadonlyArray<Row>
}
