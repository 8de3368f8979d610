/** What is asked before more comes onto the disk, and before one that was frozen for its files runs again. */
import { Effect } from "effect"
import type { Refused } from "../../src/guards/Guard.js"
import type { Disk } from "../../src/store/Disk.js"
import type { Scales } from "../../src/store/Scales.js"
import type { VolumeId } from "../../src/store/Volumes.js"
import * as Monotonic from "../Monotonic.js"
import type { Book } from "./Book.js"
import type { Graces } from "./Graces.js"
import * as Words from "./Words.js"

interface Known {
  readonly disk: typeof Disk.Service
  readonly scales: Scales
  readonly book: Book
  readonly graces: Graces
  /** What the files of one session or service may take. */
  readonly limit: number
}

export interface Admitting {
  /** D10: whether anything more may be kept. */
  readonly room: Effect.Effect<void, Refused>
  /** Whether one that was frozen for its files may run again; it is weighed for that. */
  readonly admit: (id: VolumeId) => Effect.Effect<void, Refused>
}

const WEIGHED_WITHIN = "15 seconds"

export const make = ({ book, disk, graces, limit, scales }: Known): Admitting => {
  const isShort = Effect.mapBoth(disk.look, {
    onFailure: ({ reason }) => Words.unknown(reason),
    onSuccess: disk.isShort
  })

  const weightOf = (id: VolumeId) =>
    Effect.timeoutFail(scales.weigh(id), { duration: WEIGHED_WITHIN, onTimeout: () => "late" }).pipe(
      Effect.flatMap((weight) => (weight === undefined ? Effect.fail("late") : Effect.succeed(weight))),
      Effect.mapError(() => Words.unknown(`${id} could not be weighed`))
    )

  return {
    room: Effect.flatMap(isShort, (short) => (short ? Words.noRoom : Effect.void)),
    admit: (id) =>
      Effect.gen(function* () {
        const short = yield* isShort
        const bytes = book.total(id, yield* weightOf(id))
        const now = yield* Monotonic.millis
        if ((!short && bytes <= limit) || graces.give(id, bytes, now)) return
        return yield* bytes > limit ? Words.stillOver(bytes, limit, graces.wait(id, now)) : Words.noRoom
      })
  }
}
