/** Containers that have not been seen gone: what recovery has to reap. */
import { Context, type Effect, Either, Option } from "effect"
import { versionOf } from "../../events/Catalogue.js"
import * as Container from "../../events/Container.js"
import type { ContainerId, JobId, PoolId } from "../../events/Ids.js"
import type { LogUnavailable } from "../log/EventLog.js"
import type { Projector } from "../log/Projector.js"
import { type Connection, type Fold, reading } from "./Reading.js"

export interface LivingContainer {
  readonly container: ContainerId
  readonly pool: PoolId
  /** Null: no job's. */
  readonly job: JobId | null
  /** By a session or a service, which may have kept it; null: idle, or a job's. */
  readonly claim: Container.ContainerClaimed | null
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
    readonly find: (container: string) => Effect.Effect<Option.Option<LivingContainer>, LogUnavailable>
  }
>() {}

const schema = `
CREATE TABLE IF NOT EXISTS containers (
  container TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  pool TEXT NOT NULL,
  job TEXT,
  claim TEXT,
  host_pid INTEGER NOT NULL,
  host_uid INTEGER NOT NULL,
  cgroup TEXT NOT NULL,
  sealed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

const open = (db: Connection): Fold => {
  const seal = db.prepare("INSERT INTO containers VALUES (?, ?, ?, NULL, NULL, ?, ?, ?, ?)")
  const run = db.prepare("UPDATE containers SET job = ? WHERE container = ?")
  const keep = db.prepare("UPDATE containers SET claim = ? WHERE container = ?")
  const forget = db.prepare("DELETE FROM containers WHERE container = ?")
  return (row, event) => {
    switch (event._tag) {
      case "ContainerSealed":
        seal.run(event.container, row.seq, event.pool, event.hostPid, event.hostUid, event.cgroup, row.at)
        return
      case "ContainerClaimed":
        if (event.claimant._tag === "Job") run.run(event.claimant.job, event.container)
        else keep.run(JSON.stringify(event), event.container)
        return
      case "ContainerGone":
        forget.run(event.container)
        return
      default:
    }
  }
}

/** `claim` keeps the newest shape of its event, so a newer shape means another table. */
const version = versionOf("ContainerClaimed") * 1_000 + 1

export const projector: Projector = { name: "containers", version, tables: ["containers"], schema, open }

interface Columns extends Omit<LivingContainer, "claim"> {
  readonly claim: string | null
}

const claimOf = (text: string | null): Container.ContainerClaimed | null => {
  if (text === null) return null
  const { _tag: _, ...data } = JSON.parse(text)
  const event = Either.getOrThrow(Container.read("ContainerClaimed", versionOf("ContainerClaimed"), data))
  return event._tag === "ContainerClaimed" ? event : null
}

export const read = (db: Connection): Context.Tag.Service<ContainerTable> => {
  const select = `SELECT container, pool, job, claim, host_pid AS hostPid, host_uid AS hostUid, cgroup,
    sealed_at AS sealedAt FROM containers`
  const living = db.prepare<[], Columns>(`${select} ORDER BY seq`)
  const one = db.prepare<[string], Columns>(`${select} WHERE container = ?`)
  const view = (row: Columns): LivingContainer => ({ ...row, claim: claimOf(row.claim) })
  return {
    living: reading(() => living.all().map(view)),
    find: (container) => reading(() => Option.map(Option.fromNullable(one.get(container)), view))
  }
}
