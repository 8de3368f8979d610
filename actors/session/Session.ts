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
import { Data } from "effect"
import type { Hold } from "../../events/Hold.js"
import type { ContainerId, Digest, SessionId } from "../../events/Ids.js"
import type { Recording, Rest, SessionEnded, SessionOpened } from "../../events/Session.js"
import type { Consent } from "../../src/guards/Consent.js"
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

export type Owned = Permit<"D17", Ownership<"session">>
type Unlocked = Permit<"D20", Lock<"session">>
type Consented = Consent<"session">

/** For what cannot be undone. */
export interface Undoing {
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

export const traitsOf = (state: State): Traits | undefined => ("traits" in state ? state.traits : undefined)

/** The actor of one that has ended is woken to tell of its recording. */
export const done = (state: State): boolean => state._tag === "Ended"
