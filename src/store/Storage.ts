/** Everything that a data directory holds: log, blobs, secrets and projected tables over one file and one writer; volumes and layers beside it. */
import { Effect, Layer } from "effect"
import { Database, open } from "../log/Database.js"
import { EventLog } from "../log/EventLog.js"
import { GroupCommit, make as makeGroupCommit } from "../log/GroupCommit.js"
import * as SqliteEventLog from "../log/SqliteEventLog.js"
import { Tables } from "../log/Tables.js"
import type * as Verification from "../log/Verification.js"
import * as Disk from "./Disk.js"
import * as LocalLayers from "./LocalLayers.js"
import * as OciArchives from "./OciArchives.js"
import * as RateLedger from "./RateLedger.js"
import * as Recordings from "./Recordings.js"
import * as SeenRequests from "./SeenRequests.js"
import * as ServiceLogs from "./ServiceLogs.js"
import * as SqliteBlobs from "./SqliteBlobs.js"
import * as Secrets from "./secrets/Secrets.js"
import * as Volumes from "./Volumes.js"

export interface Options extends SqliteEventLog.Options, SqliteBlobs.Options, LocalLayers.Options {
  /** The data directory; made when it is not there. */
  readonly data: string
}

/**
 * Closing its scope answers what waits, signs a last checkpoint, copies the journal into the file and frees the lock,
 * in this order.
 */
export const layer = (options: Options) =>
  Layer.mergeAll(
    SqliteEventLog.layer(options),
    SqliteBlobs.layer(options),
    Secrets.layer,
    RateLedger.layer,
    SeenRequests.layer,
    ServiceLogs.layer,
    Volumes.layer,
    Disk.layer({ diskReserveBytes: options.diskReserveBytes ?? null }),
    Recordings.layer,
    Layer.provideMerge(OciArchives.layer(options), LocalLayers.layer(options)),
    Layer.effect(
      Tables,
      Effect.map(Database, ({ reader }) => reader)
    )
  ).pipe(
    Layer.provide(Layer.scoped(GroupCommit, makeGroupCommit())),
    Layer.provide(Layer.scoped(Database, open(options.data)))
  )

/** The log alone, beside a running server or after it; append is refused. */
export const readOnly = (options: { readonly data: string } & Verification.Options) =>
  Layer.scoped(EventLog, SqliteEventLog.makeReadOnly(options.data, options))
