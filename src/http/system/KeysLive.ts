/** A caller's own key: it got this far, so it is good; for how long, and for how much. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Clock, Effect } from "effect"
import { entitlementOf } from "../../guards/Entitlement.js"
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

/** Clients read whole numbers; less than one a minute is still one now and then. */
const perMinute = (rpm: number) => (rpm > 0 ? Math.max(1, Math.floor(rpm)) : 0)

const entitlement = (record: KeyRecord) => {
  const { burst, concurrency, images, keptBytes, number, rpm, scopes, services, snapshots, ttlSeconds, vcpu } =
    entitlementOf(record)
  const { confirm, generation, tier } = record
  return {
    ...{ tier: number, tier_name: tier, rate_limit: perMinute(rpm), burst, concurrency, vcpu, ttl: ttlSeconds },
    ...{ services, snapshots, images, kept_bytes: keptBytes, scopes: [...scopes], confirm },
    ...(generation === 0 ? {} : { generation })
  }
}

const state = (record: KeyRecord, now: number): KeyState => {
  const { expiresAt, key, status } = record
  const until = new Date(expiresAt === null ? never : expiresAt / 1_000).toISOString()
  const left = expiresAt === null ? "does not expire" : forPeople(expiresAt / 1_000 - now)
  const may = entitlement(record)
  return {
    valid: true,
    public_key: key,
    status,
    ...may,
    rate_per_minute: may.rate_limit,
    concurrency_limit: may.concurrency,
    expires_at: until,
    valid_through_datetime: until,
    valid_for_human: left,
    time_remaining: left
  }
}

const validate = Effect.gen(function* () {
  const { key } = yield* Caller
  return state(key, yield* Clock.currentTimeMillis)
})

const self = Effect.map(Caller, ({ key }) => entitlement(key))

export const KeysLive = HttpApiBuilder.group(Api, "keys", (handlers) =>
  handlers.handle("validate", () => validate).handle("self", () => self)
)
