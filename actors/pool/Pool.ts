/**
 * A pool's own decisions: how big it is, and whether it still tries to spawn.
 *
 *   Absent ──Size──▶ Closed ──Fail (several in a row)──▶ Open ──Succeed──▶ Closed
 *                                                          └──Fail: a longer pause
 *
 * The circuit is electrical: closed lets spawns through.
 */
import { Data, Either } from "effect"
import type { PoolId } from "../../events/Ids.js"
import type { PoolEvent } from "../../events/Pool.js"

/** Failures in a row that open the circuit. */
export const TOLERATED = 3
const FIRST_PAUSE_MILLIS = 100
const LONGEST_PAUSE_MILLIS = 15_000

interface Size {
  readonly pool: PoolId
  readonly target: number
  readonly maximum: number
}

export type State = Data.TaggedEnum<{
  Absent: {}
  Closed: Size
  Open: Size & { readonly failures: number; readonly retryMillis: number }
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Absent()

export type Command = Data.TaggedEnum<{
  Size: Size
  /** So many spawns in a row failed. */
  Fail: { readonly failures: number; readonly reason: string }
  Succeed: {}
}>
export const Command = Data.taggedEnum<Command>()

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
}> {}

/** Milliseconds to wait after so many failures in a row: doubles each time. */
export const pauseAfter = (failures: number): number =>
  Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS * 2 ** Math.min(16, Math.max(0, failures - 1)))

export const decide = (state: State, command: Command): Either.Either<ReadonlyArray<PoolEvent>, Rejected> => {
  const reject = () => Either.left(new Rejected({ command: command._tag, in: state._tag }))
  switch (command._tag) {
    case "Size": {
      const { maximum, pool, target } = command
      const same = state._tag !== "Absent" && state.target === target && state.maximum === maximum
      return Either.right(same ? [] : [{ _tag: "PoolSized", pool, target, maximum }])
    }
    case "Fail": {
      if (state._tag === "Absent") return reject()
      const { failures, reason } = command
      if (failures < TOLERATED) return Either.right([])
      return Either.right([
        { _tag: "PoolCircuitOpened", pool: state.pool, failures, reason, retryMillis: pauseAfter(failures) }
      ])
    }
    case "Succeed":
      if (state._tag === "Absent") return reject()
      return Either.right(state._tag === "Open" ? [{ _tag: "PoolCircuitClosed", pool: state.pool }] : [])
  }
}

export const evolve = (state: State, event: PoolEvent): State => {
  switch (event._tag) {
    case "PoolSized": {
      const { maximum, pool, target } = event
      return state._tag === "Open" ? { ...state, pool, target, maximum } : State.Closed({ pool, target, maximum })
    }
    case "PoolCircuitOpened": {
      if (state._tag === "Absent") return state
      const { maximum, pool, target } = state
      return State.Open({ pool, target, maximum, failures: event.failures, retryMillis: event.retryMillis })
    }
    case "PoolCircuitClosed": {
      if (state._tag === "Absent") return state
      const { maximum, pool, target } = state
      return State.Closed({ pool, target, maximum })
    }
  }
}
