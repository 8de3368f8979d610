/** Content-addressed store of outputs and artifacts (port): what events name by digest. */
import { Context, Data, type Effect, type Option } from "effect"
import type { Digest } from "../../events/Ids.js"

/** The store cannot keep or give this blob now; nothing was lost. */
export class StoreUnavailable extends Data.TaggedError("StoreUnavailable")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

export class Blobs extends Context.Tag("store/Blobs")<
  Blobs,
  {
    /** Resolves once durable. Puts made before an append are never later than it. Re-putting extends the retention. */
    readonly put: (bytes: Uint8Array, digest: Digest) => Effect.Effect<void, StoreUnavailable>
    /** None when it was never there or its retention has passed; its bytes are checked against the digest. */
    readonly get: (digest: Digest) => Effect.Effect<Option.Option<Uint8Array>, StoreUnavailable>
    /** Deletes what is past its retention, in bounded steps; resolves with how many. */
    readonly sweep: Effect.Effect<number, StoreUnavailable>
  }
>() {}
