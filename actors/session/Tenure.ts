/** How many of its owner's slots a session holds: one while it runs or is about to, and one more while it is boosted. */
import { Effect } from "effect"
import type { Live } from "./Living.js"
import * as Session from "./Session.js"

const whole = ({ boost }: Session.Traits): number => (boost === null ? 1 : 2)

export const slotsOf = (state: Session.State): number => {
  switch (state._tag) {
    case "Starting":
    case "Running":
      return whole(state.traits)
    case "Stopped":
      // While its root is replaced it is about to run again.
      return state.rest === "restoring" ? whole(state.traits) : 0
    case "Absent":
    case "Frozen":
    case "Ended":
      return 0
  }
}

/** With so many slots in hand; when it does not come to that, it holds what it is due as it stands. */
export const taking = <A, E, R>(live: Live, slots: number, order: Effect.Effect<A, E, R>) =>
  Effect.onError(Effect.zipRight(live.lease.take(slots), order), () =>
    Effect.sync(() => live.lease.hold(slotsOf(live.state)))
  )

/** As it will be when it runs again. */
export const running = <A, E, R>(live: Live, order: Effect.Effect<A, E, R>) => {
  const traits = Session.traitsOf(live.state)
  return taking(live, traits === undefined ? 1 : whole(traits), order)
}
