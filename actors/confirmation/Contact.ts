/**
 * Where codes for a key's owner go, as one aspect of the key's own history: an address, a device, or neither.
 *
 *   Absent ──KeyCreated──▶ Known ──KeyRevoked──▶ Gone
 */
import { Data, Either } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { KeyEvent } from "../../events/Key.js"

export interface Addresses {
  readonly email: string | null
  readonly webhook: string | null
}

export type State = Data.TaggedEnum<{
  Absent: {}
  Known: Addresses & { readonly key: PublicKey; readonly totp: boolean }
  Gone: {}
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Absent()

export type Command = Data.TaggedEnum<{
  Change: Addresses
  /** Its owner has shown that the device makes the right codes. */
  Enrol: {}
  Remove: {}
}>
export const Command = Data.taggedEnum<Command>()

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
}> {}

export const decide = (state: State, command: Command): Either.Either<ReadonlyArray<KeyEvent>, Rejected> => {
  if (state._tag !== "Known") return Either.left(new Rejected({ command: command._tag, in: state._tag }))
  const { key } = state
  switch (command._tag) {
    case "Change": {
      const { email, webhook } = command
      if (email === state.email && webhook === state.webhook) return Either.right([])
      return Either.right([{ _tag: "KeyContactChanged", key, email, webhook }])
    }
    case "Enrol":
      return Either.right(state.totp ? [] : [{ _tag: "KeyTotpEnrolled", key }])
    case "Remove":
      return Either.right(state.totp ? [{ _tag: "KeyTotpRemoved", key }] : [])
  }
}

export const evolve = (state: State, event: KeyEvent): State => {
  if (event._tag === "KeyCreated") return State.Known({ key: event.key, email: null, webhook: null, totp: false })
  if (state._tag !== "Known") return state
  switch (event._tag) {
    case "KeyRevoked":
      return State.Gone()
    case "KeyContactChanged":
      return State.Known({ ...state, email: event.email, webhook: event.webhook })
    case "KeyTotpEnrolled":
      return State.Known({ ...state, totp: true })
    case "KeyTotpRemoved":
      return State.Known({ ...state, totp: false })
    case "KeySuspended":
    case "KeyResumed":
    case "KeyExtended":
    case "KeyGranted":
    case "KeyConfirmationSet":
      return state
  }
}
