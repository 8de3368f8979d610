/** The layers that snapshots and images need, from their tables: what a copy of the data must not be without. */
import type { Digest } from "../../events/Ids.js"
import type { Connection } from "./Reading.js"

/** Each once, ascending; a row at a time. */
export const read = (db: Connection): IterableIterator<Digest> =>
  db
    .prepare<[], Digest>(
      `SELECT digest FROM snapshots WHERE gone IS NULL UNION SELECT digest FROM images WHERE gone IS NULL ORDER BY 1`
    )
    .pluck()
    .iterate()
