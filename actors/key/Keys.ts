/** The door to API keys (port): pairs are made, suspended, resumed and revoked; secrets are told once, at birth. */
import { Context, type Effect, type Option } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { Refused } from "../../src/guards/Guard.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { KeyRecord } from "../../src/projections/KeyTable.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"

export interface Pair {
  readonly publicKey: PublicKey
  readonly secretKey: string
}

export class Keys extends Context.Tag("actors/Keys")<
  Keys,
  {
    /** Durable before it is told. `expiresAt` in microseconds since 1970. */
    readonly create: (
      label: string,
      expiresAt: number | null,
      by: string
    ) => Effect.Effect<Pair, LogUnavailable | StoreUnavailable | Refused>
    readonly suspend: (key: PublicKey, reason: string, by: string) => Effect.Effect<void, LogUnavailable | Refused>
    readonly resume: (key: PublicKey, by: string) => Effect.Effect<void, LogUnavailable | Refused>
    readonly revoke: (key: PublicKey, reason: string, by: string) => Effect.Effect<void, LogUnavailable | Refused>
    /** The secret, for checking a signature; cached in memory, opened from the sealed store once. */
    readonly secretOf: (key: PublicKey) => Effect.Effect<Option.Option<string>, StoreUnavailable>
    readonly list: Effect.Effect<ReadonlyArray<KeyRecord>, LogUnavailable>
  }
>() {}
