/** Memory for bodies that are held whole: so much for each container and in all, so that none can take the server's. */
import { Data, Effect, type Scope } from "effect"

/** Too much is on its way already. */
export class Overdrawn extends Data.TaggedError("Overdrawn")<{}> {}

const PER_CONTAINER = 32 * 2 ** 20
const TOTAL = 128 * 2 ** 20

interface Budget {
  /** Until the scope ends; never waits. */
  readonly take: (container: string, bytes: number) => Effect.Effect<void, Overdrawn, Scope.Scope>
}

export const make = (perContainer = PER_CONTAINER, total = TOTAL): Budget => {
  const taken = new Map<string, number>()
  let all = 0

  const change = (container: string, bytes: number) => {
    all += bytes
    const now = (taken.get(container) ?? 0) + bytes
    if (now === 0) taken.delete(container)
    else taken.set(container, now)
  }

  const draw = (container: string, bytes: number): Effect.Effect<void, Overdrawn> => {
    if (all + bytes > total || (taken.get(container) ?? 0) + bytes > perContainer) return new Overdrawn()
    change(container, bytes)
    return Effect.void
  }

  return {
    take: (container, bytes) =>
      bytes === 0
        ? Effect.void
        : Effect.acquireRelease(
            Effect.suspend(() => draw(container, bytes)),
            () => Effect.sync(() => change(container, -bytes))
          )
  }
}
