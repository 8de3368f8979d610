/** Whether a key is still good: for answers that go on for longer than the request that was let in. */
import { Clock, Effect, Option } from "effect"
import { KeyTable } from "../projections/KeyTable.js"

/** False also when it cannot be known. */
export const make = Effect.map(
  KeyTable,
  (keys) =>
    (owner: string): Effect.Effect<boolean> =>
      Effect.zipWith(
        Effect.orElseSucceed(keys.find(owner), () => Option.none()),
        Clock.currentTimeMillis,
        (found, now) =>
          Option.exists(
            found,
            ({ expiresAt, status }) => status === "active" && (expiresAt === null || expiresAt > now * 1_000)
          )
      )
)
