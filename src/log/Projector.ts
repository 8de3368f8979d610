/** A fold of the log into tables, run inside the append's own transaction: what HTTP reads is never behind what was acknowledged. */

import type Database from "better-sqlite3"
import { Context } from "effect"
import type { AnyEvent } from "../../events/Catalogue.js"
import type { Row } from "../../events/Envelope.js"

export interface Projector {
  /** Also the key of its cursor. */
  readonly name: string
  /** A changed version drops the tables and rebuilds them from the log at start. */
  readonly version: number
  /** Tables that it owns, for dropping. */
  readonly tables: ReadonlyArray<string>
  /** Idempotent `CREATE TABLE IF NOT EXISTS …`. */
  readonly schema: string
  /** Prepares its statements once a connection; the result folds one row. Deterministic: only the row counts. */
  readonly open: (db: Database.Database) => (row: Row, event: AnyEvent) => void
}

/** The projections that this process keeps; given by main. */
export class Projectors extends Context.Tag("log/Projectors")<Projectors, ReadonlyArray<Projector>>() {}
