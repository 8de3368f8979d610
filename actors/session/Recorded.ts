/** What was recorded of a session that is over: kept for its retention, told, and then no file any more. */
import { Effect, Option } from "effect"
import type { SessionId } from "../../events/Ids.js"
import type { Blobs } from "../../src/store/Blobs.js"
import { digestOf } from "../../src/store/Digest.js"
import type { Recordings } from "../../src/store/Recordings.js"
import * as Session from "./Session.js"

export interface Stores {
  readonly blobs: typeof Blobs.Service
  readonly recordings: typeof Recordings.Service
}

/** None is fine. */
export const keep = <E, R>(
  { blobs, recordings }: Stores,
  session: SessionId,
  tell: (command: Session.Command) => Effect.Effect<unknown, E, R>
) =>
  Effect.gen(function* () {
    const bytes = yield* recordings.read(session)
    if (Option.isNone(bytes)) return
    const recording = { digest: digestOf(bytes.value), bytes: bytes.value.length }
    yield* blobs.put(bytes.value, recording.digest)
    yield* tell(Session.Command.Record({ recording }))
    yield* recordings.remove(session)
  })
