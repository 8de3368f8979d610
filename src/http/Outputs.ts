/** The bytes of a job that has ended, from the store that keeps them for a while. */
import { Effect, Option } from "effect"
import type { Digest } from "../../events/Ids.js"
import type { JobFinished } from "../../events/Job.js"
import type { Blobs, StoreUnavailable } from "../store/Blobs.js"
import type { Ended } from "./Result.js"

const nothing = new Uint8Array(0)

export const make =
  (blobs: Blobs["Type"]) =>
  (finished: JobFinished): Effect.Effect<Ended, StoreUnavailable> =>
    Effect.gen(function* () {
      let expired = false
      const get = (digest: Digest, bytes: number) =>
        bytes === 0
          ? Effect.succeed(nothing)
          : Effect.map(blobs.get(digest), (found) => {
              expired ||= Option.isNone(found)
              return Option.getOrElse(found, () => nothing)
            })
      const stdout = yield* get(finished.stdout.digest, finished.stdout.kept)
      const stderr = yield* get(finished.stderr.digest, finished.stderr.kept)
      const artifacts = yield* Effect.forEach(finished.artifacts, ({ bytes, digest, filename, kind }) =>
        Effect.map(get(digest, bytes), (content) => ({ filename, content, kind }))
      )
      return { finished, stdout, stderr, artifacts, expired }
    })
