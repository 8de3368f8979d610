/** A session's recording: while it is made, and as long as it is kept. */
import { Effect, Option } from "effect"
import type { SessionView } from "../../projections/SessionTable.js"
import { Blobs, type StoreUnavailable } from "../../store/Blobs.js"
import { Recordings } from "../../store/Recordings.js"

export const make = Effect.gen(function* () {
  const blobs = yield* Blobs
  const recordings = yield* Recordings
  /** None: it is not recorded, or its retention has passed. */
  return ({ audit, recording, session }: SessionView): Effect.Effect<Option.Option<Uint8Array>, StoreUnavailable> => {
    if (recording !== null) return blobs.get(recording.digest)
    return audit === "none" ? Effect.succeed(Option.none()) : recordings.read(session)
  }
})
