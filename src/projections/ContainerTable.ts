/** Containers that have not been seen gone: what recovery has to reap. */
import { Context, type Effect } from "effect"
import type { ContainerId, JobId, PoolId } from "../../events/Ids.js"
import type { LogUnavailable } from "../log/EventLog.js"
import type { Projector } from "../log/Projector.js"
import { type Connection, type Fold, reading } from "./Reading.js"

export interface LivingContainer {
  readonly container: ContainerId
  readonly pool: PoolId
  /** Null: idle. */
  readonly job: JobId | null
  readonly hostPid: number
  readonly hostUid: number
  readonly cgroup: string
  /** Microseconds since 1970. */
  readonly sealedAt: number
}

export class ContainerTable extends Context.Tag("projections/ContainerTable")<
  ContainerTable,
  {
    /** Rows without a ContainerGone, oldest first. */
    readonly living: Effect.Effect<ReadonlyArray<LivingContainer>, LogUnavailable>
  }
>() {}

const schema = `
CREATE TABLE IF NOT EXISTS containers (
  container TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  pool TEXT NOT NULL,
  job TEXT,
  host_pid INTEGER NOT NULL,
  host_uid INTEGER NOT NULL,
  cgroup TEXT NOT NULL,
  sealed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

const open = (db: Connection): Fold => {
  const seal = db.prepare("INSERT INTO containers VALUES (?, ?, ?, NULL, ?, ?, ?, ?)")
  const claim = db.prepare("UPDATE containers SET job = ? WHERE container = ?")
  const forget = db.prepare("DELETE FROM containers WHERE container = ?")
  return (row, event) => {
    switch (event._tag) {
      case "ContainerSealed":
        seal.run(event.container, row.seq, event.pool, event.hostPid, event.hostUid, event.cgroup, row.at)
        return
      case "ContainerClaimed":
        claim.run(event.job, event.container)
        return
      case "ContainerGone":
        forget.run(event.container)
        return
      default:
    }
  }
}

export const projector: Projector = { name: "containers", version: 1, tables: ["containers"], schema, open }

export const read = (db: Connection): Context.Tag.Service<ContainerTable> => {
  const living = db.prepare<[], LivingContainer>(
    `SELECT container, pool, job, host_pid AS hostPid, host_uid AS hostUid, cgroup, sealed_at AS sealedAt
     FROM containers ORDER BY seq`
  )
  return { living: reading(() => living.all()) }
}
