/** How a session's state follows from its events. */
import type { SessionEvent, SessionOpened } from "../../events/Session.js"
import { State, type Traits, traitsOf } from "./Session.js"

const opened = ({ expiresAt, multiplexer, owner, session, vcpu }: SessionOpened): State =>
  State.Starting({
    traits: { session, owner, multiplexed: multiplexer !== null, vcpu, boost: null, locked: false, expiresAt }
  })

const changed = (state: State, traits: Partial<Traits>): State =>
  "traits" in state ? { ...state, traits: { ...state.traits, ...traits } } : state

export const evolve = (state: State, event: SessionEvent): State => {
  const traits = traitsOf(state)
  switch (event._tag) {
    case "SessionOpened":
      return opened(event)
    case "SessionStarted":
      return traits === undefined ? state : State.Running({ traits, container: event.container })
    case "SessionAdopted":
      return state
    case "SessionFrozen":
      return state._tag === "Running" ? State.Frozen(state) : state
    case "SessionThawed":
      return state._tag === "Frozen" ? State.Running(state) : state
    case "SessionStopped":
      return traits === undefined ? state : State.Stopped({ traits, rest: event.rest })
    case "SessionRestored":
      return state
    case "SessionBoosted":
      return changed(state, { boost: event.vcpu })
    case "SessionUnboosted":
      return changed(state, { boost: null })
    case "SessionLocked":
      return changed(state, { locked: true })
    case "SessionUnlocked":
      return changed(state, { locked: false })
    case "SessionExtended":
      return changed(state, { expiresAt: event.expiresAt })
    case "SessionEnded":
      return State.Ended({ session: event.session, owner: traits?.owner ?? "", ended: event, recorded: false })
    case "SessionRecorded":
      return state._tag === "Ended" ? State.Ended({ ...state, recorded: true }) : state
  }
}
