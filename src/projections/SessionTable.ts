/** Every session that was ever opened, as it stands now. */
import { Context, type Effect, Option, Schema } from "effect"
import { Hold } from "../../events/Hold.js"
import type { ContainerId, Digest, PoolId, PublicKey, SessionId } from "../../events/Ids.js"
import type { Audit, Cause, Multiplexer, Recording, Rest } from "../../events/Session.js"
import type { LogUnavailable } from "../log/EventLog.js"
import { type Connection, flagOf, reading } from "./Reading.js"

type SessionStatus = "starting" | "running" | "frozen" | "stopped" | "ended"

/** Times in microseconds since 1970. */
export interface SessionView {
  readonly session: SessionId
  readonly owner: PublicKey
  readonly status: SessionStatus
  /** Why it has no container, when it is stopped. */
  readonly rest: Rest | null
  /** When it is frozen and its owner did not ask for that. */
  readonly hold: Hold | null
  readonly network: PoolId
  readonly shell: string
  readonly multiplexer: Multiplexer | null
  readonly vcpu: number
  /** Null: not boosted. */
  readonly boost: number | null
  readonly locked: boolean
  readonly audit: Audit
  readonly container: ContainerId | null
  readonly createdAt: number
  readonly startedAt: number | null
  readonly updatedAt: number
  /** Null: no limit. */
  readonly expiresAt: number | null
  readonly ended: {
    readonly at: number
    readonly cause: Cause
    readonly exitCode: number | null
    readonly reason: string | null
  } | null
  readonly recording: Recording | null
}

interface SessionListing {
  /** At most 1,000 are given. */
  readonly limit: number
  /** Those that are over, too. */
  readonly ended: boolean
}

export class SessionTable extends Context.Tag("projections/SessionTable")<
  SessionTable,
  {
    readonly find: (session: SessionId) => Effect.Effect<Option.Option<SessionView>, LogUnavailable>
    /** The owner's sessions, newest first. */
    readonly list: (
      owner: PublicKey,
      listing: SessionListing
    ) => Effect.Effect<ReadonlyArray<SessionView>, LogUnavailable>
    /** Opened and not over, oldest first: what a new control plane goes on with, or ends. */
    readonly unfinished: Effect.Effect<ReadonlyArray<SessionView>, LogUnavailable>
  }
>() {}

interface Columns {
  readonly session: SessionId
  readonly owner: PublicKey
  readonly status: SessionStatus
  readonly rest: Rest | null
  readonly hold: string | null
  readonly network: PoolId
  readonly shell: string
  readonly multiplexer: Multiplexer | null
  readonly vcpu: number
  readonly boost: number | null
  readonly locked: number
  readonly audit: Audit
  readonly container: ContainerId | null
  readonly created_at: number
  readonly started_at: number | null
  readonly updated_at: number
  readonly expires_at: number | null
  readonly ended_at: number | null
  readonly cause: Cause | null
  readonly exit_code: number | null
  readonly reason: string | null
  readonly recording: Digest | null
  readonly recording_bytes: number | null
}

const holdOf = Schema.decodeSync(Schema.parseJson(Hold))

const endedOf = ({ cause, ended_at: at, exit_code: exitCode, reason }: Columns): SessionView["ended"] =>
  at === null || cause === null ? null : { at, cause, exitCode, reason }

const view = (row: Columns): SessionView => ({
  session: row.session,
  owner: row.owner,
  status: row.status,
  rest: row.rest,
  hold: row.hold === null ? null : holdOf(row.hold),
  network: row.network,
  shell: row.shell,
  multiplexer: row.multiplexer,
  vcpu: row.vcpu,
  boost: row.boost,
  locked: flagOf(row.locked),
  audit: row.audit,
  container: row.container,
  createdAt: row.created_at,
  startedAt: row.started_at,
  updatedAt: row.updated_at,
  expiresAt: row.expires_at,
  ended: endedOf(row),
  recording: row.recording === null ? null : { digest: row.recording, bytes: row.recording_bytes ?? 0 }
})

const longestList = 1_000

export const read = (db: Connection): Context.Tag.Service<SessionTable> => {
  const one = db.prepare<[string], Columns>("SELECT * FROM sessions WHERE session = ?")
  const open = db.prepare<[string, number], Columns>(
    "SELECT * FROM sessions WHERE owner = ? AND ended_at IS NULL ORDER BY seq DESC LIMIT ?"
  )
  const all = db.prepare<[string, number], Columns>("SELECT * FROM sessions WHERE owner = ? ORDER BY seq DESC LIMIT ?")
  const unfinished = db.prepare<[], Columns>("SELECT * FROM sessions WHERE ended_at IS NULL ORDER BY seq")
  return {
    find: (session) => reading(() => Option.map(Option.fromNullable(one.get(session)), view)),
    list: (owner, { ended, limit }) =>
      reading(() => (ended ? all : open).all(owner, Math.max(0, Math.min(limit, longestList))).map(view)),
    unfinished: reading(() => unfinished.all().map(view))
  }
}
