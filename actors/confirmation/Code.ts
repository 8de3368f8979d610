/**
 * A code that a device showed: it confirms once. The first to write the stream of its time step has used it.
 *
 *   Unused ──Use──▶ Used
 */
import { Data, Either } from "effect"
import type { ConfirmationCodeUsed } from "../../events/Confirmation.js"
import type { PublicKey } from "../../events/Ids.js"

export type State = Data.TaggedEnum<{ Unused: {}; Used: {} }>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Unused()

export interface Command {
  readonly _tag: "Use"
  /** Whose device it is. */
  readonly key: PublicKey
  readonly step: number
}

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
}> {}

export const decide = (
  state: State,
  { _tag, key, step }: Command
): Either.Either<ReadonlyArray<ConfirmationCodeUsed>, Rejected> =>
  state._tag === "Unused"
    ? Either.right([{ _tag: "ConfirmationCodeUsed", key, step }])
    : Either.left(new Rejected({ command: _tag, in: state._tag }))

export const evolve = (_: State, __: ConfirmationCodeUsed): State => State.Used()
