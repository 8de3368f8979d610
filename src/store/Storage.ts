/** Everything that a data directory holds: the log, the blobs, the secrets and the projected tables, over one file and one writer. */
import { Effect, Layer } from "effect"
import { Database, open } from "../log/Database.js"
import { EventLog } from "../log/EventLog.js"
import { GroupCommit, make as makeGroupCommit } from "../log/GroupCommit.js"
import * as SqliteEventLog from "../log/SqliteEventLog.js"
import { Tables } from "../log/Tables.js"
import type * as Verification from "../log/Verification.js"
import * as Secrets from "./Secrets.js"
import * as SqliteBlobs from "./SqliteBlobs.js"

export interface Options extends SqliteEventLog.Options, SqliteBlobs.Options {
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
