/**
 * A name that only one service may have: free, claimed, free again.
 *
 *   Free ──Claim──▶ Claimed ──Release──▶ Free
 *
 * Its stream decides who was first: a look at a table before could not.
 */
import { Data, Either } from "effect"
import type { PublicKey, ServiceId } from "../../events/Ids.js"
import type { NameEvent } from "../../events/Name.js"

export type State = Data.TaggedEnum<{
  Free: {}
  Claimed: { readonly name: string; readonly service: ServiceId }
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Free()

export type Command = Data.TaggedEnum<{
  Claim: { readonly name: string; readonly service: ServiceId; readonly owner: PublicKey }
  Release: { readonly service: ServiceId }
}>
export const Command = Data.taggedEnum<Command>()

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
}> {}

export const decide = (state: State, command: Command): Either.Either<ReadonlyArray<NameEvent>, Rejected> => {
  switch (command._tag) {
    case "Claim": {
      const { name, owner, service } = command
      if (state._tag === "Free") return Either.right([{ _tag: "NameClaimed", name, service, owner }])
      return state.service === service
        ? Either.right([])
        : Either.left(new Rejected({ command: command._tag, in: state._tag }))
    }
    case "Release":
      if (state._tag === "Free" || state.service !== command.service) return Either.right([])
      return Either.right([{ _tag: "NameReleased", name: state.name, service: state.service }])
  }
}

export const evolve = (_: State, event: NameEvent): State => {
  switch (event._tag) {
    case "NameClaimed":
      return State.Claimed({ name: event.name, service: event.service })
    case "NameReleased":
      return State.Free()
  }
}
