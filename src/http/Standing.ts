/** Whether a key is still good: for answers that go on for longer than the request that was let in. */
import { Effect } from "effect"
import * as Standing from "../../actors/key/Standing.js"

/** False also when it cannot be known. */
export const make = Effect.map(
  Standing.make,
  (standing) =>
    (owner: string): Effect.Effect<boolean> =>
      standing(owner).pipe(
        Effect.map((now) => now === "active"),
        Effect.orElseSucceed(() => false)
      )
)
