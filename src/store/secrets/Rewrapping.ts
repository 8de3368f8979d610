/** Data keys wrapped anew under the newest generation of the root key, a bounded batch at a time. */
import type Sqlite from "better-sqlite3"
import * as Envelope from "./Envelope.js"
import type { Ring } from "./RootKeyRing.js"

/** One batch is one turn of the only writer: some milliseconds. */
const BATCH = 64

interface Row extends Envelope.Wrapped {
  readonly name: string
}

interface Turn {
  readonly last: string | undefined
  readonly rewrapped: number
  readonly stuck: ReadonlyArray<string>
}

/** The ring as it is now; whoever seals or opens looks here each time. */
export interface Keeper {
  ring: Ring
}

const attempt = (work: () => Buffer): Buffer | undefined => {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** To be called inside the writer's transaction, each time with the last name of the turn before. */
export const rewrapping = (writer: Sqlite.Database, keeper: Keeper) => {
  const older = writer.prepare<[number, string, number], Row>(
    "SELECT name, version, root, wrapped FROM secrets WHERE root < ? AND name > ? ORDER BY name LIMIT ?"
  )
  const update = writer.prepare("UPDATE secrets SET root = ?, wrapped = ? WHERE name = ?")
  return (to: Envelope.WrappingKey, after: string): Turn => {
    const rows = older.all(to.generation, after, BATCH)
    const stuck: Array<string> = []
    for (const row of rows) {
      const from = keeper.ring.keys.get(row.root ?? 0)
      const wrapped = from && attempt(() => Envelope.rewrap(from, to, row.name, row))
      if (wrapped === undefined) stuck.push(row.name)
      else update.run(to.generation, wrapped, row.name)
    }
    return { last: rows.at(-1)?.name, rewrapped: rows.length - stuck.length, stuck }
  }
}
