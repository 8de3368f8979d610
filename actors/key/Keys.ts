/** The door to API keys (port): pairs are made, changed, suspended, resumed and revoked; secrets are told once, at birth. */
import { Context, type Effect, type Option } from "effect"
import type { Confirm } from "../../events/Grants.js"
import type { PublicKey, ServiceId } from "../../events/Ids.js"
import type { Wanted } from "../../src/guards/Descent.js"
import type { Refused } from "../../src/guards/Guard.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { KeyRecord } from "../../src/projections/KeyTable.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"

export type { Wanted } from "../../src/guards/Descent.js"

interface Pair {
  readonly publicKey: PublicKey
  readonly secretKey: string
}

/** A key to be made. */
export interface Order {
  readonly label: string
  /** Microseconds since 1970; null or unsaid: never, or as long as its parent. */
  readonly expiresAt?: number | null
  /** Whose child it is to be: then it has no more than that one. */
  readonly parent?: PublicKey | null
  readonly grants?: Wanted
  /** Unsaid: what this server gives new keys, and nothing weaker than its parent's. */
  readonly confirm?: Confirm
  /** A service whose programs alone are to hold it. */
  readonly givenTo?: ServiceId | null
}

type Told = Effect.Effect<void, LogUnavailable | Refused>

export class Keys extends Context.Tag("actors/Keys")<
  Keys,
  {
    /** Durable before it is told. A child's secret has nothing to do with its parent's. */
    readonly create: (order: Order, by: string) => Effect.Effect<Pair, LogUnavailable | StoreUnavailable | Refused>
    readonly suspend: (key: PublicKey, reason: string, by: string) => Told
    readonly resume: (key: PublicKey, by: string) => Told
    /** And all that descend from it; asked again, whatever of them was left out. */
    readonly revoke: (key: PublicKey, reason: string, by: string) => Told
    /** Also backwards; null is never. */
    readonly extend: (key: PublicKey, expiresAt: number | null, by: string) => Told
    /** What is not named stays. */
    readonly grant: (key: PublicKey, wanted: Wanted, by: string) => Told
    readonly setConfirm: (key: PublicKey, confirm: Confirm, by: string) => Told
    /** The secret, for checking a signature; cached in memory, opened from the sealed store once. */
    readonly secretOf: (key: PublicKey) => Effect.Effect<Option.Option<string>, StoreUnavailable>
    readonly list: Effect.Effect<ReadonlyArray<KeyRecord>, LogUnavailable>
  }
>() {}
