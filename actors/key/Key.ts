/**
 * A key's life: created, perhaps suspended and resumed, revoked for good. What it is granted changes while it lives.
 *
 *   Absent ──Create──▶ Active ◀──Suspend / Resume──▶ Suspended
 *                         └──────Revoke──────┴──▶ Revoked
 */
import { Data, Either } from "effect"
import type { Confirm, Grants } from "../../events/Grants.js"
import type { PublicKey } from "../../events/Ids.js"
import type { KeyCreated, KeyEvent } from "../../events/Key.js"
import { GENERATIONS } from "../../src/guards/Descent.js"

/** What of a key decides about what comes next. */
interface About {
  readonly key: PublicKey
  readonly expiresAt: number | null
  readonly confirm: Confirm
}

interface Is {
  readonly about: About
}

export type State = Data.TaggedEnum<{
  Absent: {}
  Active: Is
  Suspended: Is
  Revoked: Is
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Absent()

export type Command = Data.TaggedEnum<{
  Create: { readonly created: Omit<KeyCreated, "_tag"> }
  Suspend: { readonly reason: string }
  Resume: {}
  Revoke: { readonly reason: string }
  /** Also backwards; null is never. */
  Extend: { readonly expiresAt: number | null }
  /** In the place of what it was granted. */
  Grant: { readonly grants: Grants }
  SetConfirm: { readonly confirm: Confirm }
}>
export const Command = Data.taggedEnum<Command>()

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
}> {}

type Decision = Either.Either<ReadonlyArray<KeyEvent>, Rejected>
type Living = Extract<State, { readonly _tag: "Active" | "Suspended" }>

const nothing: Decision = Either.right([])
const tell = (event: KeyEvent): Decision => Either.right([event])

/** Whoever has no parent is the first of its line, and is given to nobody's programs. */
const isBorn = ({ generation, givenTo, key, parent }: Omit<KeyCreated, "_tag">): boolean =>
  parent === null
    ? generation === 0 && givenTo === null
    : parent !== key && generation >= 1 && generation <= GENERATIONS

const living = (
  { _tag: state, about: { confirm, expiresAt, key } }: Living,
  command: Command,
  reject: () => Decision
): Decision => {
  switch (command._tag) {
    case "Create":
      return reject()
    case "Suspend":
      return state === "Active" ? tell({ _tag: "KeySuspended", key, reason: command.reason }) : reject()
    case "Resume":
      return state === "Suspended" ? tell({ _tag: "KeyResumed", key }) : reject()
    case "Revoke":
      return tell({ _tag: "KeyRevoked", key, reason: command.reason })
    case "Extend":
      if (command.expiresAt === expiresAt) return nothing
      return tell({ _tag: "KeyExtended", key, expiresAt: command.expiresAt })
    case "Grant":
      return tell({ _tag: "KeyGranted", key, ...command.grants })
    case "SetConfirm":
      if (command.confirm === confirm) return nothing
      return tell({ _tag: "KeyConfirmationSet", key, confirm: command.confirm })
  }
}

export const decide = (state: State, command: Command): Decision => {
  const reject = (): Decision => Either.left(new Rejected({ command: command._tag, in: state._tag }))
  switch (state._tag) {
    case "Absent":
      if (command._tag !== "Create" || !isBorn(command.created)) return reject()
      return tell({ _tag: "KeyCreated", ...command.created })
    case "Active":
    case "Suspended":
      return living(state, command, reject)
    case "Revoked":
      return reject()
  }
}

/** What changes of it changes nothing of whether it may be used. */
const changed = (state: State, about: Partial<About>): State =>
  state._tag === "Absent" ? state : { ...state, about: { ...state.about, ...about } }

const become = (state: State, how: (is: Is) => State): State =>
  state._tag === "Absent" ? state : how({ about: state.about })

export const evolve = (state: State, event: KeyEvent): State => {
  switch (event._tag) {
    case "KeyCreated": {
      const { confirm, expiresAt, key } = event
      return State.Active({ about: { key, expiresAt, confirm } })
    }
    case "KeyResumed":
      return become(state, State.Active)
    case "KeySuspended":
      return become(state, State.Suspended)
    case "KeyRevoked":
      return become(state, State.Revoked)
    case "KeyExtended":
      return changed(state, { expiresAt: event.expiresAt })
    case "KeyConfirmationSet":
      return changed(state, { confirm: event.confirm })
    case "KeyGranted":
      return state
    // Where its owner's codes go is told by actors/confirmation/Contact.ts.
    case "KeyContactChanged":
    case "KeyTotpEnrolled":
    case "KeyTotpRemoved":
      return state
  }
}
