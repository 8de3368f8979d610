/**
 * Programs of a key that an operator has revoked or suspended are evicted. Those of one that has expired end with their ttl:
 * what is lost does not come back, and a clock may be wrong.
 */
import { Effect, Option, Schedule } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import { type KeyRecord, KeyTable } from "../../src/projections/KeyTable.js"
import * as Standing from "./Standing.js"

/** What waits and runs, and for whom. */
interface Programs {
  readonly owners: Effect.Effect<ReadonlySet<PublicKey>>
  readonly evict: (owner: PublicKey, reason: string) => Effect.Effect<void, LogUnavailable>
}

const LOOK = "5 seconds"
const AT_ONCE = 16

/** Exactly these: whatever else its record says, or that it has none, is doubt. */
const ends: ReadonlySet<string> = new Set(["revoked", "suspended"])

/** For the log's reader: which key it was for, and which of its line an operator has revoked or suspended. */
const reasonOf = (record: KeyRecord): string | undefined => {
  const { key, status } = record
  const of = ends.has(status) ? Standing.causeOf(record) : undefined
  if (of === undefined) return undefined
  return of === key ? `its key ${key} is ${status}` : `its key ${key} descends from ${of}, which is ${status}`
}

export const make = ({ evict, owners }: Programs) =>
  Effect.map(KeyTable, (keys) => {
    /** Whose key cannot be read goes on: each look is another try. */
    const judged = (owner: PublicKey) =>
      Effect.flatMap(keys.find(owner), (found) => {
        const reason = Option.isSome(found) ? reasonOf(found.value) : undefined
        return reason === undefined ? Effect.void : evict(owner, reason)
      }).pipe(
        Effect.catchAllCause((cause) => Effect.logWarning(`the programs of ${owner} were not looked after`, cause))
      )
    const look = Effect.flatMap(owners, (all) => Effect.forEach(all, judged, { concurrency: AT_ONCE, discard: true }))
    /** Never ends; to be supervised. */
    return Effect.asVoid(Effect.repeat(look, Schedule.spaced(LOOK)))
  })
