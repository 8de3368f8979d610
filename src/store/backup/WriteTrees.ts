/** Trees as they go into a backup while those who own them write on. */
import { Effect } from "effect"
import type { BackupRefused } from "./BackupRefused.js"
import type { End } from "./Manifest.js"
import * as Members from "./Members.js"
import * as Trees from "./Trees.js"
import { put, streaming, unsteady, type Writing } from "./Writing.js"

/** One that is replaced while it is read is read anew so often. */
const TAKES = 3

type Tree = End["trees"][number]

/** What is gone before its end is withdrawn, and taken once more when there is another in its place. */
export const write = (
  writing: Writing,
  member: string,
  directory: string
): Effect.Effect<ReadonlyArray<Tree>, BackupRefused> =>
  Effect.gen(function* () {
    for (let tries = 0; tries < TAKES; tries++) {
      const packed = yield* Trees.packed(directory, (source) => streaming(() => put(writing, member, source)))
      if (packed === undefined) return []
      if (packed.whole) return [{ member, ...packed.read }]
      yield* streaming(() => Members.withdraw(writing.archive))
    }
    return yield* unsteady(directory)
  })
