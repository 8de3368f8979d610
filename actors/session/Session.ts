/**
 * A session's life: opened, running in a container of its own, at rest in between, ended for one typed reason.
 *
 *   Absent ──Open──▶ Starting ──Start──▶ Running ◀──Thaw── Frozen
 *                                    ▲    │ └────Freeze────▶ │
 *                                  Start  └──────Rest────────┤
 *                                    └──── Stopped ◀─────────┘        End, Delete ──▶ Ended ──Record──▶ Ended
 *
 * Ending is legal from every state; what has ended stays as it ended. Only what a multiplexer keeps can be frozen on
 * request: a shell of its own would end with the connection.
 */
import { Data, Either } from "effect"
import type { Hold } from "../../events/Hold.js"
import type { ContainerId, Digest, SessionId } from "../../events/Ids.js"
import type { Recording, Rest, SessionEnded, SessionEvent, SessionOpened } from "../../events/Session.js"
import { type Consent, isFor, told } from "../../src/guards/Consent.js"
import type { Permit } from "../../src/guards/Guard.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"
import type { Lock } from "../../src/guards/ResourceUnlocked.js"

/** What it is while it is not over, wherever it runs. */
export interface Traits {
  readonly session: SessionId
  readonly owner: string
  readonly multiplexed: boolean
  /** What it was opened with. */
  readonly vcpu: number
  /** Null: not boosted. */
  readonly boost: number | null
  readonly locked: boolean
  /** Microseconds since 1970; null: no limit. */
  readonly expiresAt: number | null
}

export type State = Data.TaggedEnum<{
  Absent: {}
  Starting: { readonly traits: Traits }
  Running: { readonly traits: Traits; readonly container: ContainerId }
  Frozen: { readonly traits: Traits; readonly container: ContainerId }
  Stopped: { readonly traits: Traits; readonly rest: Rest }
  Ended: {
    readonly session: SessionId
    readonly owner: string
    readonly ended: SessionEnded
    readonly recorded: boolean
  }
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Absent()

/** How it ended, without its name: that comes from the state. */
export type Ending = Omit<SessionEnded, "_tag" | "session" | "evidence">

type Owned = Permit<"D17", Ownership<"session">>
type Unlocked = Permit<"D20", Lock<"session">>
type Consented = Consent<"session">

/** For what cannot be undone. */
interface Undoing {
  readonly owned: Owned
  readonly unlocked: Unlocked
  readonly consent: Consented
}

export type Command = Data.TaggedEnum<{
  Open: { readonly opened: Omit<SessionOpened, "_tag"> }
  Start: { readonly container: ContainerId }
  Adopt: { readonly container: ContainerId }
  Freeze: { readonly owned: Owned }
  /** It is frozen whether or not its owner wants it, and whatever keeps its programs. */
  Hold: { readonly hold: Hold }
  Thaw: { readonly owned: Owned }
  /** It could not be frozen after all, or not be thawed: the state follows what is. */
  Refreeze: {}
  Unfreeze: {}
  /** Its container is given up: it has been frozen for long. */
  DeepFreeze: {}
  /** Its container is given up: its root is going to be another. */
  Replace: Undoing
  Replaced: { readonly layer: Digest }
  Boost: { readonly owned: Owned; readonly vcpu: number }
  Unboost: { readonly owned: Owned }
  Lock: { readonly owned: Owned }
  Unlock: { readonly owned: Owned; readonly consent: Consented }
  Extend: { readonly owned: Owned; readonly expiresAt: number | null }
  Delete: Undoing
  End: { readonly ending: Ending }
  Record: { readonly recording: Recording }
}>
export const Command = Data.taggedEnum<Command>()

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
}> {}

type Decision = Either.Either<ReadonlyArray<SessionEvent>, Rejected>

export const traitsOf = (state: State): Traits | undefined => ("traits" in state ? state.traits : undefined)

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

/** The actor of one that has ended is woken to tell of its recording. */
export const done = (state: State): boolean => state._tag === "Ended"
