/** An order for a snapshot: what a caller may write in it, and its one normal form. */
import { Either } from "effect"
import { anything } from "./Fact.js"
import type { Reason } from "./Guard.js"
import { absent, bad, flag, isText, type Read, whole } from "./Order.js"
import { CONTROL } from "./Quote.js"
import { wellformed } from "./RequestWellformed.js"

/** As it came, under the contract's names. */
interface SnapshotWritten {
  readonly name?: unknown
  readonly hot?: unknown
  readonly ttl?: unknown
}

export interface SnapshotOrder {
  /** Empty: it has none. */
  readonly name: string
  readonly hot: boolean
  /** Null: it is kept until somebody deletes it. */
  readonly ttlMillis: number | null
}

const NAME = 128
const TTL = { least: 0, most: 999_999_999, usual: 0 }

/** A line of text for people: a name, or what something is for. */
export const line = (field: string, value: unknown, most: number): Read<string> => {
  if (absent(value)) return Either.right("")
  if (!isText(value) || value.length > most || CONTROL.test(value))
    return bad(field, `${field} must be one line of text of at most ${most} characters.`)
  return Either.right(value.trim())
}

export const nameOf = (value: unknown): Read<string> => line("name", value, NAME)

const read = (written: SnapshotWritten): Either.Either<SnapshotOrder, Reason> =>
  Either.map(
    Either.all({
      name: nameOf(written.name),
      hot: flag("hot", written.hot),
      ttl: whole("ttl", written.ttl, TTL, " seconds")
    }),
    ({ hot, name, ttl }) => ({ name, hot, ttlMillis: ttl === 0 ? null : ttl * 1_000 })
  )

/** D11 on an order for a snapshot. */
export const snapshotWellformed = wellformed<SnapshotWritten, SnapshotOrder>(
  { name: anything, hot: anything, ttl: anything },
  read
)
