/** How a key stands now, with its whole line: for what goes on longer than the request that was let in. */
import { Clock, Effect, Option } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import { type KeyRecord, type KeyStatus, KeyTable } from "../../src/projections/KeyTable.js"

/** One that is not there was never good: it counts as revoked. */
export type Standing = KeyStatus | "expired"

interface Found {
  readonly how: Standing
  /** Whose own doing that is: the key's, or a forebear's; undefined when it is good, or when nobody can tell. */
  readonly of: PublicKey | undefined
}

/** A key is no better than its parent, so whoever is the farthest that stands like that did not get it from another. */
const origin = (record: KeyRecord, like: (one: KeyRecord) => boolean): PublicKey | undefined => {
  const found = [record, ...record.line].findLast(like)
  // One whose parent is not there has nobody to answer for it, which is a doubt and no standing.
  return found === undefined || (found.parent !== null && found.line.length === 0) ? undefined : found.key
}

/** Of its status, as long as that is one that is known. */
export const causeOf = (record: KeyRecord): PublicKey | undefined =>
  origin(record, ({ status }) => status === record.status)

const foundOf = (record: KeyRecord, now: number): Found => {
  const { expiresAt, status } = record
  if (status !== "active") return { how: status, of: causeOf(record) }
  if (expiresAt === null || expiresAt > now) return { how: status, of: undefined }
  return { how: "expired", of: origin(record, (one) => one.expiresAt === expiresAt) }
}

const missing: Found = { how: "revoked", of: undefined }

export const explained = Effect.map(
  KeyTable,
  (keys) =>
    (key: string): Effect.Effect<Found, LogUnavailable> =>
      Effect.zipWith(keys.find(key), Clock.currentTimeMillis, (found, now) =>
        Option.match(found, { onNone: () => missing, onSome: (record) => foundOf(record, now * 1_000) })
      )
)

export const make = Effect.map(
  explained,
  (standing) =>
    (key: string): Effect.Effect<Standing, LogUnavailable> =>
      Effect.map(standing(key), ({ how }) => how)
)
