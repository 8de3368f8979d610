/** How a key stands now, with its whole line: for what goes on longer than the request that was let in. */
import { Clock, Effect, Option } from "effect"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import { type KeyStatus, KeyTable } from "../../src/projections/KeyTable.js"

/** One that is not there was never good: it counts as revoked. */
export type Standing = KeyStatus | "expired"

export const make = Effect.map(
  KeyTable,
  (keys) =>
    (key: string): Effect.Effect<Standing, LogUnavailable> =>
      Effect.zipWith(keys.find(key), Clock.currentTimeMillis, (found, now) => {
        const { expiresAt, status } = Option.getOrElse(found, () => ({ expiresAt: null, status: "revoked" as const }))
        return status !== "active" || expiresAt === null || expiresAt > now * 1_000 ? status : "expired"
      })
)
