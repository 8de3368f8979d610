/** Every API key that was ever made, as it stands now; wholly in memory, because each request asks for one. */
import { Context, type Effect, Option, Schema } from "effect"
import { Confirm, type Grants, Limits, Scope, type Tier } from "../../events/Grants.js"
import type { PublicKey, ServiceId } from "../../events/Ids.js"
import type { LogUnavailable } from "../log/EventLog.js"
import { projector, type Stale } from "./KeyProjector.js"
import { type Connection, reading } from "./Reading.js"

export type KeyStatus = "active" | "suspended" | "revoked"

/** Times in microseconds since 1970. */
export interface KeyRecord extends Grants {
  readonly key: PublicKey
  readonly label: string
  /** The worst of its line: a key is no better than its forebears. */
  readonly status: KeyStatus
  /** The first of its line to come. */
  readonly expiresAt: number | null
  readonly createdAt: number
  readonly parent: PublicKey | null
  /** 0 without a parent, otherwise one more than the parent's. */
  readonly generation: number
  /** The service whose programs hold it. */
  readonly givenTo: ServiceId | null
  /** The strictest of its line: nobody is asked less than a forebear. */
  readonly confirm: Confirm
  readonly contact: { readonly email: string | null; readonly webhook: string | null }
  /** Its owner has a device that makes codes. */
  readonly totp: boolean
  /** Its parent, that one's parent, and so on. */
  readonly line: ReadonlyArray<KeyRecord>
}

export class KeyTable extends Context.Tag("projections/KeyTable")<
  KeyTable,
  {
    readonly find: (key: string) => Effect.Effect<Option.Option<KeyRecord>, LogUnavailable>
    /** Oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<KeyRecord>, LogUnavailable>
    /** The key and all that descend from it, whatever their standing. */
    readonly family: (key: PublicKey) => Effect.Effect<ReadonlyArray<PublicKey>, LogUnavailable>
    /** Those that the service's programs hold, but for revoked ones; of all services when none is named. */
    readonly given: (service?: ServiceId) => Effect.Effect<ReadonlyArray<KeyRecord>, LogUnavailable>
  }
>() {}

interface Kept {
  readonly key: PublicKey
  readonly label: string
  readonly status: KeyStatus
  readonly expiresAt: number | null
  readonly createdAt: number
  readonly parent: PublicKey | null
  readonly generation: number
  readonly givenTo: ServiceId | null
  readonly tier: Tier
  readonly limits: string
  readonly scopes: string
  readonly confirm: Confirm
  readonly email: string | null
  readonly webhook: string | null
  readonly totp: number
}

const columns = `key, label, status, expires_at AS expiresAt, created_at AS createdAt, parent, generation, given_to AS givenTo,
  tier, limits, scopes, confirm, email, webhook, totp`

const readLimits = Schema.decodeSync(Schema.parseJson(Limits))
const readScopes = Schema.decodeSync(Schema.parseJson(Schema.Array(Scope)))

const readConfirm = Schema.decodeUnknownSync(Confirm)

const badness: ReadonlyMap<string, number> = new Map([
  ["active", 0],
  ["suspended", 1],
  ["revoked", 2]
])
/** A standing that nobody knows is the worst: the line is in doubt with it. */
const badnessOf = (status: string): number => badness.get(status) ?? badness.size

const strictness: Readonly<Record<Confirm, number>> = { off: 0, on: 1, always: 2 }

/** What is no time is in doubt, and so is the line: no comparison makes a time of it. */
const timeOf = (time: number | null): number | null =>
  time === null || (Number.isSafeInteger(time) && time >= 0) ? time : Number.NaN

const earlier = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other)

const recordOf = (kept: Kept, parent: KeyRecord | undefined): KeyRecord => {
  const { email, limits, scopes, totp, webhook, ...same } = kept
  const own = {
    ...same,
    limits: readLimits(limits),
    scopes: readScopes(scopes),
    confirm: readConfirm(kept.confirm),
    expiresAt: timeOf(kept.expiresAt),
    contact: { email, webhook },
    totp: totp === 1
  }
  if (kept.parent === null) return { ...own, line: [] }
  // A child whose parent is not there has nobody to answer for it.
  if (parent === undefined) return { ...own, status: "revoked", line: [] }
  const status = badnessOf(parent.status) > badnessOf(own.status) ? parent.status : own.status
  const confirm = strictness[parent.confirm] > strictness[own.confirm] ? parent.confirm : own.confirm
  const expiresAt = earlier(own.expiresAt, parent.expiresAt)
  return { ...own, status, expiresAt, confirm, line: [parent, ...parent.line] }
}

/** Longer lines than the actor of keys ever makes are nobody's. */
const LONGEST = 64

const read = (stale: Stale, db: Connection): Context.Tag.Service<KeyTable> => {
  const one = db.prepare<[string], Kept>(`SELECT ${columns} FROM keys WHERE key = ?`)
  const all = db.prepare<[], Kept>(`SELECT ${columns} FROM keys ORDER BY seq`)
  const kin = db.prepare<[string], { readonly key: PublicKey }>(`
WITH RECURSIVE kin(key) AS (SELECT ? UNION SELECT keys.key FROM keys JOIN kin ON keys.parent = kin.key)
SELECT key FROM kin`)
  const given = db.prepare<[], Pick<Kept, "key">>(
    `SELECT key FROM keys WHERE given_to IS NOT NULL AND status <> 'revoked'`
  )
  const givenTo = db.prepare<[string], Pick<Kept, "key">>(
    `SELECT key FROM keys WHERE given_to = ? AND status <> 'revoked'`
  )
  const kept = new Map(all.all().map((row) => [String(row.key), row]))
  const made = new Map<string, KeyRecord>()
  // A fold and its commit are one synchronous step, so whoever looks here looks after the commit (or the rollback).
  const refresh = () => {
    for (const key of stale) {
      const row = one.get(key)
      if (row === undefined) kept.delete(key)
      else kept.set(key, row)
    }
    stale.clear()
    // What becomes of a parent becomes of its line.
    made.clear()
  }
  const record = (key: string, depth = 0): KeyRecord | undefined => {
    const known = made.get(key)
    if (known !== undefined) return known
    const row = kept.get(key)
    if (row === undefined || depth > LONGEST) return undefined
    const found = recordOf(row, row.parent === null ? undefined : record(row.parent, depth + 1))
    made.set(key, found)
    return found
  }
  const find = (key: string) => {
    if (stale.size > 0) refresh()
    return record(key)
  }
  stale.clear()
  return {
    find: (key) => reading(() => Option.fromNullable(find(key))),
    list: reading(() => all.all().flatMap(({ key }) => find(key) ?? [])),
    family: (key) => reading(() => kin.all(key).map((row) => row.key)),
    given: (service) =>
      reading(() => (service === undefined ? given.all() : givenTo.all(service)).flatMap(({ key }) => find(key) ?? []))
  }
}

/** The fold and the reader share which keys changed: one pair a log. */
export const make = () => {
  const stale: Stale = new Set()
  return { projector: projector(stale), read: (db: Connection) => read(stale, db) } as const
}
