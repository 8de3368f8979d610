/** How a projection is read: a synchronous query on the read-only connection, whose failure is typed. */
import type Database from "better-sqlite3"
import { Effect } from "effect"
import type { AnyEvent } from "../../events/Catalogue.js"
import type { Row } from "../../events/Envelope.js"
import { LogUnavailable } from "../log/EventLog.js"

export type Connection = Database.Database

export type Fold = (row: Row, event: AnyEvent) => void

/** A yes or a no as it was written; a third is neither, and whoever wants to know is not told. */
export const flagOf = (value: unknown): boolean => {
  if (value === 1) return true
  if (value === 0) return false
  throw new TypeError("neither 0 nor 1")
}

/** Point queries take microseconds, so they run where they are asked for; what SQLite throws becomes a refusal. */
export const reading = <A>(query: () => A): Effect.Effect<A, LogUnavailable> =>
  Effect.try({
    try: query,
    catch: (cause) =>
      new LogUnavailable({
        reason: cause instanceof Error ? cause.message : "the projection cannot be read",
        written: "no",
        unread: "view"
      })
  })
