/**
 * A key's life: created, perhaps suspended and resumed, revoked for good.
 *
 *   Absent ──Create──▶ Active ◀──Suspend / Resume──▶ Suspended
 *                         └──────Revoke──────┴──▶ Revoked
 */
import { Data, Either } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { KeyCreated, KeyEvent } from "../../events/Key.js"

export type State = Data.TaggedEnum<{
  Absent: {}
  Active: { readonly key: PublicKey }
  Suspended: { readonly key: PublicKey }
  Revoked: { readonly key: PublicKey }
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Absent()

export type Command = Data.TaggedEnum<{
  Create: { readonly created: Omit<KeyCreated, "_tag"> }
  Suspend: { readonly reason: string }
  Resume: {}
  Revoke: { readonly reason: string }
}>
export const Command = Data.taggedEnum<Command>()

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
}> {}

export const decide = (state: State, command: Command): Either.Either<ReadonlyArray<KeyEvent>, Rejected> => {
  const reject = () => Either.left(new Rejected({ command: command._tag, in: state._tag }))
  switch (command._tag) {
    case "Create":
      return state._tag === "Absent" ? Either.right([{ _tag: "KeyCreated", ...command.created }]) : reject()
    case "Suspend":
      if (state._tag !== "Active") return reject()
      return Either.right([{ _tag: "KeySuspended", key: state.key, reason: command.reason }])
    case "Resume":
      return state._tag === "Suspended" ? Either.right([{ _tag: "KeyResumed", key: state.key }]) : reject()
    case "Revoke":
      if (state._tag === "Absent" || state._tag === "Revoked") return reject()
      return Either.right([{ _tag: "KeyRevoked", key: state.key, reason: command.reason }])
  }
}

export const evolve = (state: State, event: KeyEvent): State => {
  switch (event._tag) {
    case "KeyCreated":
    case "KeyResumed":
      return State.Active({ key: event.key })
    case "KeySuspended":
      return State.Suspended({ key: event.key })
    case "KeyRevoked":
      return State.Revoked({ key: event.key })
    default:
      return state
  }
}
