/** How much each key keeps: counted where it is kept, so that there is no second count to be wrong. */
import { Context, type Effect } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { LogUnavailable } from "../log/EventLog.js"
import { type Connection, reading } from "./Reading.js"

export type Kind = "service" | "snapshot" | "image"

interface Kept {
  readonly count: number
  /** On the disk, of snapshots and images together: a layer counts for each that has it. */
  readonly bytes: number
}

export class KeptTable extends Context.Tag("projections/KeptTable")<
  KeptTable,
  {
    /** Of these keys together. */
    readonly of: (kind: Kind, keys: ReadonlyArray<PublicKey>) => Effect.Effect<Kept, LogUnavailable>
  }
>() {}

const counts: { readonly [K in Kind]: string } = {
  service: "SELECT count(*) FROM services WHERE owner = ? AND state NOT IN ('destroyed', 'erased')",
  snapshot: "SELECT count(*) FROM snapshots WHERE owner = ? AND gone IS NULL",
  image: "SELECT count(*) FROM images WHERE owner = ? AND gone IS NULL"
}

const weight = `SELECT
  (SELECT coalesce(sum(json_extract(layer, '$.stored')), 0) FROM snapshots WHERE owner = @owner AND gone IS NULL) +
  (SELECT coalesce(sum(json_extract(layer, '$.stored')), 0) FROM images WHERE owner = @owner AND gone IS NULL)`

export const read = (db: Connection): Context.Tag.Service<KeptTable> => {
  const count = (kind: Kind) => db.prepare<[string], number>(counts[kind]).pluck()
  const asks = { service: count("service"), snapshot: count("snapshot"), image: count("image") }
  const bytes = db.prepare<[{ readonly owner: string }], number>(weight).pluck()
  const sum = (keys: ReadonlyArray<PublicKey>, ask: (key: PublicKey) => number | undefined) =>
    keys.reduce((total, key) => total + (ask(key) ?? Number.NaN), 0)
  return {
    of: (kind, keys) =>
      reading(() => ({
        count: sum(keys, (key) => asks[kind].get(key)),
        bytes: sum(keys, (owner) => bytes.get({ owner }))
      }))
  }
}
