/** What a command comes to in each state of a session: events, nothing, or a rejection. */
import { Either } from "effect"
import type { SessionEvent } from "../../events/Session.js"
import { isFor, told } from "../../src/guards/Consent.js"
import {
  type Command,
  type Ending,
  type Owned,
  Rejected,
  type State,
  type Traits,
  traitsOf,
  type Undoing
} from "./Session.js"

type Decision = Either.Either<ReadonlyArray<SessionEvent>, Rejected>

const deleted: Ending = { cause: "deleted", exitCode: null, reason: null }

/** The permits were true when they were issued; the state is true now. */
const holds = (state: State, command: Extract<Command, { readonly owned: Owned }>): boolean => {
  const traits = traitsOf(state)
  const { actor, resource } = command.owned.facts
  if (traits === undefined || traits.owner !== actor || traits.session !== resource) return false
  if ("consent" in command && !isFor(command.consent, traits.session, actor)) return false
  return !("unlocked" in command) || (!traits.locked && command.unlocked.facts.resource === traits.session)
}

/** Whether what its owner asks for may be. */
const asked = (state: State, command: Command): boolean => {
  return !("owned" in command) || holds(state, command)
}

const all = ({ consent, owned, unlocked }: Undoing) => told(consent, owned, unlocked)

/** What its owner, and time, may change while it is not over. */
const change = (traits: Traits, state: State, command: Command): ReadonlyArray<SessionEvent> | undefined => {
  const { boost, locked, session } = traits
  switch (command._tag) {
    case "Boost":
      if (state._tag !== "Running") return undefined
      return boost === command.vcpu ? [] : [{ _tag: "SessionBoosted", session, vcpu: command.vcpu }]
    case "Unboost":
      if (state._tag !== "Running") return undefined
      return boost === null ? [] : [{ _tag: "SessionUnboosted", session }]
    case "Lock":
      return locked ? [] : [{ _tag: "SessionLocked", session }]
    case "Unlock":
      return locked ? [{ _tag: "SessionUnlocked", session, evidence: told(command.consent, command.owned) }] : []
    case "Extend":
      return [{ _tag: "SessionExtended", session, expiresAt: command.expiresAt }]
    default:
      return undefined
  }
}

/** From one state to another. */
const move = (traits: Traits, { _tag }: State, command: Command): ReadonlyArray<SessionEvent> | undefined => {
  const { multiplexed, session } = traits
  switch (command._tag) {
    case "Start":
      if (_tag !== "Starting" && _tag !== "Stopped") return undefined
      return [{ _tag: "SessionStarted", session, container: command.container }]
    case "Adopt":
      return _tag === "Running" || _tag === "Frozen"
        ? [{ _tag: "SessionAdopted", session, container: command.container }]
        : undefined
    case "Freeze":
    case "Refreeze":
      if (_tag === "Frozen") return []
      return _tag === "Running" && multiplexed ? [{ _tag: "SessionFrozen", session, hold: null }] : undefined
    case "Hold":
      if (_tag === "Frozen") return []
      return _tag === "Running" ? [{ _tag: "SessionFrozen", session, hold: command.hold }] : undefined
    case "Thaw":
    case "Unfreeze":
      if (_tag === "Running") return []
      return _tag === "Frozen" ? [{ _tag: "SessionThawed", session }] : undefined
    case "DeepFreeze":
      return _tag === "Frozen" ? [{ _tag: "SessionStopped", session, rest: "deep-frozen", evidence: [] }] : undefined
    case "Replace":
      if (_tag === "Starting") return undefined
      return [{ _tag: "SessionStopped", session, rest: "restoring", evidence: all(command) }]
    case "Replaced":
      return _tag === "Stopped" ? [{ _tag: "SessionRestored", session, layer: command.layer }] : undefined
    default:
      return undefined
  }
}

const ended = (
  state: State & { readonly _tag: "Ended" },
  command: Command
): ReadonlyArray<SessionEvent> | undefined => {
  const { owner, recorded, session } = state
  switch (command._tag) {
    case "End":
      return []
    case "Delete":
      return owner === command.owned.facts.actor && session === command.owned.facts.resource ? [] : undefined
    case "Record":
      return recorded ? [] : [{ _tag: "SessionRecorded", session, recording: command.recording }]
    default:
      return undefined
  }
}

const events = (state: State, command: Command): ReadonlyArray<SessionEvent> | undefined => {
  if (state._tag === "Ended") return ended(state, command)
  if (command._tag === "Open")
    return state._tag === "Absent" ? [{ _tag: "SessionOpened", ...command.opened }] : undefined
  if (state._tag === "Absent" || !asked(state, command)) return undefined
  const { session } = state.traits
  if (command._tag === "End") return [{ _tag: "SessionEnded", session, ...command.ending, evidence: [] }]
  if (command._tag === "Delete") return [{ _tag: "SessionEnded", session, ...deleted, evidence: all(command) }]
  return change(state.traits, state, command) ?? move(state.traits, state, command)
}

export const decide = (state: State, command: Command): Decision => {
  const found = events(state, command)
  return found === undefined
    ? Either.left(new Rejected({ command: command._tag, in: state._tag }))
    : Either.right(found)
}
