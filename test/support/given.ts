/** given(events) → when(command) → gives(events) | rejects(state): tests of a pure state machine, without mocks. */
import { Either } from "effect"
import { expect } from "vitest"

interface Machine<S, C, E, Rej> {
  readonly initial: S
  readonly decide: (state: S, command: C) => Either.Either<ReadonlyArray<E>, Rej>
  readonly evolve: (state: S, event: E) => S
}

export const spec =
  <S extends { readonly _tag: string }, C extends { readonly _tag: string }, E, Rej>({
    decide,
    evolve,
    initial
  }: Machine<S, C, E, Rej>) =>
  (...past: ReadonlyArray<E>) => {
    const state = past.reduce(evolve, initial)
    return {
      state,
      when: (command: C) => ({
        gives: (...events: ReadonlyArray<E>) => expect(decide(state, command)).toEqual(Either.right(events)),
        rejects: () =>
          expect(decide(state, command)).toMatchObject({
            _tag: "Left",
            left: { _tag: "Rejected", command: command._tag, in: state._tag }
          })
      })
    }
  }
