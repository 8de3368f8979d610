/** Trees as they go into a backup while those who own them write on. */
import { Effect } from "effect"
import * as TarNames from "../TarNames.js"
import type { BackupRefused } from "./BackupRefused.js"
import type { End } from "./Manifest.js"
import * as Members from "./Members.js"
import * as Trees from "./Trees.js"
import { put, streaming, unsteady, type Writing } from "./Writing.js"

/** One that is replaced while it is read is read anew so often. */
const TAKES = 3

export interface Written {
  readonly tree: End["trees"][number]
  /** Not all of it can be put back. */
  readonly incomplete: boolean
}

/** What is gone before its end is withdrawn, and taken once more when there is another in its place. */
export const write = (
  writing: Writing,
  member: string,
  directory: string
): Effect.Effect<ReadonlyArray<Written>, BackupRefused> =>
  Effect.gen(function* () {
    for (let tries = 0; tries < TAKES; tries++) {
      const names = TarNames.watching()
      const packed = yield* Trees.packed(directory, (source) =>
        streaming(() => put(writing, member, names.through(source)))
      )
      if (packed === undefined) return []
      if (packed.whole) return [{ tree: { member, ...packed.read }, incomplete: names.found() }]
      yield* streaming(() => Members.withdraw(writing.archive))
    }
    return yield* unsteady(directory)
  })
