/** The bytes of a job that has ended, written for an answer: as it handed them over, or from the store that keeps them for a while. */
import { Effect, Option } from "effect"
import type { Outcome } from "../../../actors/job/Jobs.js"
import type { Digest } from "../../../events/Ids.js"
import type { JobFinished } from "../../../events/Job.js"
import type { Blobs, StoreUnavailable } from "../../store/Blobs.js"
import type { Large } from "../wire/Large.js"
import type { Ended } from "./Result.js"

const nothing = new Uint8Array(0)

/** What an answer with these outputs holds at most while it is sent: text escaped, twice and in base64, files once. */
export const weight = ({ artifacts, stderr, stdout }: JobFinished): number =>
  8 * (stdout.kept + stderr.kept) + Math.ceil((7 / 3) * artifacts.reduce((sum, { bytes }) => sum + bytes, 0))

const file = (large: Large, filename: string, kind: string, content: Uint8Array): Ended["artifacts"][number] => ({
  filename,
  kind,
  size: content.length,
  base64: large.base64(content)
})

export const ofOutcome = ({ artifacts, finished, stderr, stdout }: Outcome, large: Large): Ended => ({
  finished,
  stdout,
  stderr,
  artifacts: artifacts.map(({ content, filename, kind }) => file(large, filename, kind, content)),
  expired: false,
  large
})

/** One file after the other, so that no more than one is there both as it is and encoded. */
export const stored =
  (blobs: Blobs["Type"]) =>
  (finished: JobFinished, large: Large): Effect.Effect<Ended, StoreUnavailable> =>
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
        Effect.map(get(digest, bytes), (content) => file(large, filename, kind, content))
      )
      return { finished, stdout, stderr, artifacts, expired, large }
    })
