/** Programs that end run for as long as their key is good: those of one that is revoked, suspended or expired are evicted. */
import { Effect, Schedule } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import * as Standing from "./Standing.js"

/** What waits and runs, and for whom. */
export interface Programs {
  readonly owners: Effect.Effect<ReadonlySet<PublicKey>>
  readonly evict: (owner: PublicKey, reason: string) => Effect.Effect<void, LogUnavailable>
}

const LOOK = "5 seconds"
const AT_ONCE = 16

const reasons: { readonly [how in Exclude<Standing.Standing, "active">]: string } = {
  revoked: "its key is revoked",
  suspended: "its key is suspended",
  expired: "its key has expired"
}

export const make = ({ evict, owners }: Programs) =>
  Effect.map(Standing.make, (standing) => {
    /** Whose key cannot be read goes on: each look is another try. */
    const judged = (owner: PublicKey) =>
      Effect.flatMap(standing(owner), (how) => (how === "active" ? Effect.void : evict(owner, reasons[how]))).pipe(
        Effect.catchAllCause((cause) => Effect.logWarning(`the programs of ${owner} were not looked after`, cause))
      )
    const look = Effect.flatMap(owners, (all) => Effect.forEach(all, judged, { concurrency: AT_ONCE, discard: true }))
    /** Never ends; to be supervised. */
    return Effect.asVoid(Effect.repeat(look, Schedule.spaced(LOOK)))
  })
