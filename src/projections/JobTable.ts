/** Every job that was ever accepted, as it stands now, and what an Idempotency-Key stands for. */
import { Context, type Effect, Either, Option } from "effect"
import { versionOf } from "../../events/Catalogue.js"
import type { ContainerId, Digest, JobId, PoolId, PublicKey } from "../../events/Ids.js"
import * as Job from "../../events/Job.js"
import type { LogUnavailable } from "../log/EventLog.js"
import { type Connection, reading } from "./Reading.js"

export type JobStatus = "pending" | "running" | Job.Status

/** Everything that is known of a job but its bytes; those are named by digest. Times in microseconds since 1970. */
export interface JobView {
  readonly job: JobId
  readonly owner: PublicKey
  readonly status: JobStatus
  readonly language: string
  readonly detected: boolean
  readonly network: PoolId
  readonly ttlMillis: number
  readonly vcpu: number
  readonly wantsArtifacts: boolean
  readonly wantsWasm: boolean
  readonly createdAt: number
  readonly startedAt: number | null
  readonly container: ContainerId | null
  readonly completedAt: number | null
  readonly finished: Job.JobFinished | null
}

interface Listing {
  /** At most 1,000 are given. */
  readonly limit: number
  readonly status?: JobStatus | undefined
}

export class JobTable extends Context.Tag("projections/JobTable")<
  JobTable,
  {
    readonly find: (job: JobId) => Effect.Effect<Option.Option<JobView>, LogUnavailable>
    /** The owner's jobs, newest first. */
    readonly list: (owner: PublicKey, listing: Listing) => Effect.Effect<ReadonlyArray<JobView>, LogUnavailable>
    /** None also for a job that never ran for want of capacity: its key may be used again. */
    readonly byIdempotency: (
      owner: PublicKey,
      key: Digest
    ) => Effect.Effect<Option.Option<{ readonly job: JobId; readonly request: Digest }>, LogUnavailable>
    /** Accepted and not ended, oldest first: what recovery has to settle. */
    readonly unfinished: Effect.Effect<ReadonlyArray<JobId>, LogUnavailable>
  }
>() {}

interface Columns {
  readonly job: JobId
  readonly owner: PublicKey
  readonly status: JobStatus
  readonly language: string
  readonly detected: number
  readonly network: PoolId
  readonly ttl_millis: number
  readonly vcpu: number
  readonly wants_artifacts: number
  readonly wants_wasm: number
  readonly created_at: number
  readonly started_at: number | null
  readonly container: ContainerId | null
  readonly completed_at: number | null
  readonly finished: string | null
}

const finishedOf = (text: string | null): Job.JobFinished | null => {
  if (text === null) return null
  const { _tag: _, ...data } = JSON.parse(text)
  const event = Either.getOrThrow(Job.read("JobFinished", versionOf("JobFinished"), data))
  return event._tag === "JobFinished" ? event : null
}

const view = (row: Columns): JobView => ({
  job: row.job,
  owner: row.owner,
  status: row.status,
  language: row.language,
  detected: row.detected === 1,
  network: row.network,
  ttlMillis: row.ttl_millis,
  vcpu: row.vcpu,
  wantsArtifacts: row.wants_artifacts === 1,
  wantsWasm: row.wants_wasm === 1,
  createdAt: row.created_at,
  startedAt: row.started_at,
  container: row.container,
  completedAt: row.completed_at,
  finished: finishedOf(row.finished)
})

const longestList = 1_000

export const read = (db: Connection): Context.Tag.Service<JobTable> => {
  const one = db.prepare<[string], Columns>("SELECT * FROM jobs WHERE job = ?")
  const newest = db.prepare<[string, number], Columns>("SELECT * FROM jobs WHERE owner = ? ORDER BY seq DESC LIMIT ?")
  const withStatus = db.prepare<[string, string, number], Columns>(
    "SELECT * FROM jobs WHERE owner = ? AND status = ? ORDER BY seq DESC LIMIT ?"
  )
  const open = db.prepare<[string, string, number], Columns>(
    "SELECT * FROM jobs WHERE owner = ? AND completed_at IS NULL AND status = ? ORDER BY seq DESC LIMIT ?"
  )
  const reserved = db.prepare<[string, string], { readonly job: JobId; readonly request: Digest }>(
    "SELECT job, request FROM idempotency WHERE owner = ? AND key = ?"
  )
  const unfinished = db.prepare<[], { readonly job: JobId }>(
    "SELECT job FROM jobs WHERE completed_at IS NULL ORDER BY seq"
  )
  const rows = (owner: PublicKey, { limit, status }: Listing): ReadonlyArray<Columns> => {
    const most = Math.max(0, Math.min(limit, longestList))
    if (status === undefined) return newest.all(owner, most)
    return (status === "pending" || status === "running" ? open : withStatus).all(owner, status, most)
  }
  return {
    find: (job) => reading(() => Option.map(Option.fromNullable(one.get(job)), view)),
    list: (owner, listing) => reading(() => rows(owner, listing).map(view)),
    byIdempotency: (owner, key) => reading(() => Option.fromNullable(reserved.get(owner, key))),
    unfinished: reading(() => unfinished.all().map(({ job }) => job))
  }
}
