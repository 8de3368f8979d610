/** Every snapshot that was ever taken, as it stands now. */
import { Context, type Effect, Option, Schema } from "effect"
import type { Digest, PublicKey, SnapshotId } from "../../events/Ids.js"
import { Layer, Origin } from "../../events/Layer.js"
import { Place } from "../../events/Snapshot.js"
import type { LogUnavailable } from "../log/EventLog.js"
import type { Projector } from "../log/Projector.js"
import { type Connection, type Fold, flagOf, reading } from "./Reading.js"

/** Times in microseconds since 1970. */
export interface SnapshotView {
  readonly snapshot: SnapshotId
  readonly owner: PublicKey
  readonly source: Place
  readonly name: string
  readonly layer: Layer
  readonly origin: Origin
  readonly hot: boolean
  readonly locked: boolean
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly gone?: "destroyed" | "expired"
}

export class SnapshotTable extends Context.Tag("projections/SnapshotTable")<
  SnapshotTable,
  {
    readonly find: (snapshot: SnapshotId) => Effect.Effect<Option.Option<SnapshotView>, LogUnavailable>
    /** Those that the owner has, newest first; at most 1,000. */
    readonly list: (owner: PublicKey, limit: number) => Effect.Effect<ReadonlyArray<SnapshotView>, LogUnavailable>
    /** Kept past their time: what housekeeping has to delete. At most 100 at once. */
    readonly expired: (now: number) => Effect.Effect<ReadonlyArray<SnapshotId>, LogUnavailable>
    /** Does one that is kept need this layer? */
    readonly uses: (layer: Digest) => Effect.Effect<boolean, LogUnavailable>
  }
>() {}

const schema = `
CREATE TABLE IF NOT EXISTS snapshots (
  seq INTEGER PRIMARY KEY,
  snapshot TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  source TEXT NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  layer TEXT NOT NULL,
  origin TEXT NOT NULL,
  hot INTEGER NOT NULL,
  locked INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  gone TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS snapshots_by_owner ON snapshots (owner, seq) WHERE gone IS NULL;
CREATE INDEX IF NOT EXISTS snapshots_by_layer ON snapshots (digest) WHERE gone IS NULL;
CREATE INDEX IF NOT EXISTS snapshots_by_expiry ON snapshots (expires_at) WHERE gone IS NULL AND expires_at IS NOT NULL;
`

const open = (db: Connection): Fold => {
  const take = db.prepare(
    `INSERT INTO snapshots (seq, snapshot, owner, source, name, digest, layer, origin, hot, locked, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`
  )
  const lock = db.prepare("UPDATE snapshots SET locked = ? WHERE snapshot = ?")
  const end = db.prepare("UPDATE snapshots SET gone = ? WHERE snapshot = ?")
  return (row, event) => {
    switch (event._tag) {
      case "SnapshotTaken": {
        const { expiresAt, hot, layer, name, origin, owner, snapshot, source } = event
        const [of, what, how] = [source, layer, origin].map((part) => JSON.stringify(part))
        take.run(row.seq, snapshot, owner, of, name, layer.digest, what, how, hot ? 1 : 0, row.at, expiresAt)
        return
      }
      case "SnapshotLocked":
        lock.run(1, event.snapshot)
        return
      case "SnapshotUnlocked":
        lock.run(0, event.snapshot)
        return
      case "SnapshotDeleted":
        end.run(event.cause === "ttl" ? "expired" : "destroyed", event.snapshot)
        return
      default:
    }
  }
}

export const projector: Projector = { name: "snapshots", version: 1, tables: ["snapshots"], schema, open }

interface Columns {
  readonly snapshot: SnapshotId
  readonly owner: PublicKey
  readonly source: string
  readonly name: string
  readonly layer: string
  readonly origin: string
  readonly hot: number
  readonly locked: number
  readonly created_at: number
  readonly expires_at: number | null
  readonly gone: "destroyed" | "expired" | null
}

const sourceOf = Schema.decodeSync(Schema.parseJson(Place))
const layerOf = Schema.decodeSync(Schema.parseJson(Layer))
const originOf = Schema.decodeSync(Schema.parseJson(Origin))

const view = (row: Columns): SnapshotView => ({
  snapshot: row.snapshot,
  owner: row.owner,
  source: sourceOf(row.source),
  name: row.name,
  layer: layerOf(row.layer),
  origin: originOf(row.origin),
  hot: row.hot === 1,
  locked: flagOf(row.locked),
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  ...(row.gone === null ? {} : { gone: row.gone })
})

const longestList = 1_000

export const read = (db: Connection): Context.Tag.Service<SnapshotTable> => {
  const one = db.prepare<[string], Columns>("SELECT * FROM snapshots WHERE snapshot = ?")
  const newest = db.prepare<[string, number], Columns>(
    "SELECT * FROM snapshots WHERE owner = ? AND gone IS NULL ORDER BY seq DESC LIMIT ?"
  )
  const late = db.prepare<[number], { readonly snapshot: SnapshotId }>(
    "SELECT snapshot FROM snapshots WHERE gone IS NULL AND expires_at <= ? ORDER BY expires_at LIMIT 100"
  )
  const user = db.prepare<[string], unknown>("SELECT 1 FROM snapshots WHERE digest = ? AND gone IS NULL LIMIT 1")
  return {
    find: (snapshot) => reading(() => Option.map(Option.fromNullable(one.get(snapshot)), view)),
    list: (owner, limit) => reading(() => newest.all(owner, Math.min(limit, longestList)).map(view)),
    expired: (now) => reading(() => late.all(now).map(({ snapshot }) => snapshot)),
    uses: (layer) => reading(() => user.get(layer) !== undefined)
  }
}
