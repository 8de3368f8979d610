/**
 * A container's life: sealed, claimed at most once, gone.
 *
 *   Absent ──Seal──▶ Idle ──Claim──▶ Claimed
 *                      └─────End──────┴──▶ Gone ──Empty──▶ Gone, with nothing left
 *
 * Ending is legal from every state; nothing returns from Claimed to Idle.
 */
import { Data, Either } from "effect"
import type { Claimant, ContainerEvent, ContainerSealed, Ending, Limits } from "../../events/Container.js"
import type { ContainerId, PublicKey } from "../../events/Ids.js"
import type { Sealed } from "../../src/guards/ContainerSealed.js"
import type { Permit } from "../../src/guards/Guard.js"

export type State = Data.TaggedEnum<{
  Absent: {}
  Idle: { readonly container: ContainerId }
  Claimed: { readonly container: ContainerId; readonly claimant: Claimant; readonly owner: PublicKey }
  /** `left`: processes that the kernel still showed; null is not known. */
  Gone: { readonly container: ContainerId; readonly ending: Ending; readonly left: number | null }
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Absent()

export type Birth = Omit<ContainerSealed, "_tag">

export interface Remains {
  readonly ending: Ending
  readonly cpuMicros: number
  readonly peakBytes: number
  readonly left: number | null
}

export type Command = Data.TaggedEnum<{
  Seal: { readonly birth: Birth; readonly sealed: Permit<"D23", Sealed> }
  Claim: {
    readonly claimant: Claimant
    readonly owner: PublicKey
    readonly limits: Limits
    readonly sealed: Permit<"D23", Sealed>
  }
  End: { readonly remains: Remains }
  /** A later look showed that nothing is left. */
  Empty: {}
}>
export const Command = Data.taggedEnum<Command>()

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
}> {}

export const decide = (state: State, command: Command): Either.Either<ReadonlyArray<ContainerEvent>, Rejected> => {
  const reject = () => Either.left(new Rejected({ command: command._tag, in: state._tag }))
  switch (command._tag) {
    case "Seal":
      if (state._tag !== "Absent" || command.sealed.facts.container !== command.birth.container) return reject()
      return Either.right([{ _tag: "ContainerSealed", ...command.birth }])
    case "Claim":
      // The permit was true when it was issued; the state is true now.
      if (state._tag !== "Idle" || command.sealed.facts.container !== state.container) return reject()
      return Either.right([
        {
          _tag: "ContainerClaimed",
          container: state.container,
          claimant: command.claimant,
          owner: command.owner,
          limits: command.limits
        }
      ])
    case "End":
      if (state._tag === "Absent" || state._tag === "Gone") return Either.right([])
      return Either.right([{ _tag: "ContainerGone", container: state.container, ...command.remains }])
    case "Empty":
      if (state._tag !== "Gone") return reject()
      return Either.right(state.left === 0 ? [] : [{ _tag: "ContainerEmptied", container: state.container }])
  }
}

export const evolve = (state: State, event: ContainerEvent): State => {
  switch (event._tag) {
    case "ContainerSealed":
      return State.Idle({ container: event.container })
    case "ContainerClaimed":
      return State.Claimed({ container: event.container, claimant: event.claimant, owner: event.owner })
    case "ContainerGone":
      return State.Gone({ container: event.container, ending: event.ending, left: event.left })
    case "ContainerEmptied":
      return state._tag === "Gone" ? { ...state, left: 0 } : state
  }
}

export const done = (state: State): boolean => state._tag === "Gone"
