/** An actor's past: its state and version, folded from the rows of its stream. */
import { Effect, Either } from "effect"
import type { AnyEvent } from "../../events/Catalogue.js"
import type { EventLog } from "../log/EventLog.js"
import type { Definition } from "./Definition.js"

/** Fails at a row that this build cannot read; dies of one that is missing, which would make it another history. */
export const replay = Effect.fnUntraced(function* <S, C, E extends AnyEvent, Rej>(
  self: Definition<S, C, E, Rej>,
  log: typeof EventLog.Service
) {
  const rows = yield* log.read(self.stream)
  let state = self.initial
  for (const [index, row] of rows.entries()) {
    if (row.version !== index + 1) return yield* Effect.dieMessage(`version ${index + 1} is missing`)
    const event = self.read(row.type, row.schema, row.data)
    if (Either.isLeft(event)) return yield* event.left
    state = self.evolve(state, event.right)
  }
  return { state, version: rows.length }
})
