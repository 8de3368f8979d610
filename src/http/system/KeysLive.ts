/** A caller's own key: it got this far, so it is good; for how long, and for how much. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Clock, Effect } from "effect"
import { Pools } from "../../../actors/pool/Pools.js"
import type { KeyRecord } from "../../projections/KeyTable.js"
import { Api } from "../Api.js"
import { Caller } from "../Authentication.js"
import type { KeyState } from "./KeyGroup.js"

const never = Date.UTC(9999, 11, 31, 23, 59, 59)

const units = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000]
] as const

const forPeople = (millis: number): string => {
  for (const [unit, size] of units) {
    const count = Math.floor(millis / size)
    if (count > 0) return `${count} ${unit}${count === 1 ? "" : "s"}`
  }
  return "less than a minute"
}

/** No tier and no rate limits it; programs at once are as many as containers. */
const entitlement = (concurrency: number) => ({ tier: 0, rate_limit: 0, concurrency })

const state = ({ expiresAt, key, status }: KeyRecord, now: number, concurrency: number): KeyState => {
  const until = new Date(expiresAt === null ? never : expiresAt / 1_000).toISOString()
  const left = expiresAt === null ? "does not expire" : forPeople(expiresAt / 1_000 - now)
  return {
    valid: true,
    public_key: key,
    status,
    ...entitlement(concurrency),
    rate_per_minute: 0,
    burst: 0,
    concurrency_limit: concurrency,
    expires_at: until,
    valid_through_datetime: until,
    valid_for_human: left,
    time_remaining: left
  }
}

export const KeysLive = HttpApiBuilder.group(Api, "keys", (handlers) =>
  Effect.gen(function* () {
    const { status } = yield* Pools
    const concurrency = Effect.map(status, (pools) =>
      pools.filter(({ enabled }) => enabled).reduce((total, { maximum }) => total + maximum, 0)
    )
    const validate = Effect.gen(function* () {
      const { key } = yield* Caller
      return state(key, yield* Clock.currentTimeMillis, yield* concurrency)
    })
    return handlers.handle("validate", () => validate).handle("self", () => Effect.map(concurrency, entitlement))
  })
)
