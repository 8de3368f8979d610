/** How much happened since the log began: the counts behind GET /stats. */
import { Context, type Effect } from "effect"
import type { AnyEvent } from "../../events/Catalogue.js"
import type { LogUnavailable } from "../log/EventLog.js"
import type { Projector } from "../log/Projector.js"
import { type Connection, type Fold, reading } from "./Reading.js"

/** `job.completed`, `job.failed`, `container.sealed`, `refused.D03` … and how often. */
type Counts = Readonly<Record<string, number>>

export class Totals extends Context.Tag("projections/Totals")<
  Totals,
  { readonly counts: Effect.Effect<Counts, LogUnavailable> }
>() {}

const schema = `
CREATE TABLE IF NOT EXISTS totals (
  name TEXT PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

/** Only what is counted; undefined for the rest. */
const counted = (event: AnyEvent): { readonly name: string; readonly count: number } | undefined => {
  switch (event._tag) {
    case "JobAccepted":
      return { name: "job.accepted", count: 1 }
    case "JobFinished":
      return { name: `job.${event.status}`, count: 1 }
    case "ContainerSealed":
      return { name: "container.sealed", count: 1 }
    case "ContainerGone":
      return { name: "container.gone", count: 1 }
    case "Refused":
      return { name: `refused.${event.point}`, count: event.count }
    default:
      return undefined
  }
}

const open = (db: Connection): Fold => {
  const add = db.prepare(
    "INSERT INTO totals (name, count) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = count + excluded.count"
  )
  return (_, event) => {
    const found = counted(event)
    if (found !== undefined) add.run(found.name, found.count)
  }
}

export const projector: Projector = { name: "totals", version: 1, tables: ["totals"], schema, open }

export const read = (db: Connection): Context.Tag.Service<Totals> => {
  const all = db.prepare<[], { readonly name: string; readonly count: number }>(
    "SELECT name, count FROM totals ORDER BY name"
  )
  return { counts: reading(() => Object.fromEntries(all.all().map(({ name, count }) => [name, count]))) }
}
