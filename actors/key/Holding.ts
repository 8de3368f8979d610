/**
 * What runs for a key runs for as long as the key is good: what belongs to one that is revoked, suspended or expired is
 * held frozen. Nothing of it is lost, and a key that is good again finds it where it was.
 */
import { Effect, FiberMap, Option, Schedule } from "effect"
import type { Hold } from "../../events/Hold.js"
import type { ServiceId, SessionId } from "../../events/Ids.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import * as Standing from "./Standing.js"

type Id = ServiceId | SessionId

/** Where programs run, and for whom. */
export interface Places {
  readonly running: Effect.Effect<ReadonlyArray<Id>>
  /** Whose it is, which never changes. */
  readonly ownerOf: (id: Id) => Effect.Effect<Option.Option<string>, LogUnavailable>
  /** Resolves when it is frozen and the log knows. */
  readonly hold: (id: Id, hold: Hold) => Effect.Effect<void, unknown>
}

const LOOK = "5 seconds"

const reasons: { readonly [how in Exclude<Standing.Standing, "active">]: (whose: string) => string } = {
  revoked: (whose) => `${whose} is revoked, for good.`,
  suspended: (whose) => `${whose} is suspended. When the operator has resumed that key, unfreeze it.`,
  expired: (whose) => `${whose} has expired. When the operator has extended that key, unfreeze it.`
}

/** Its own key is in its history already; which of that one's line it was is not. */
const whose = (owner: string, of: string): string => (of === owner ? "Its key" : `${of}, from which its key descends,`)

export const make = ({ hold, ownerOf, running }: Places) =>
  Effect.gen(function* () {
    const standing = yield* Standing.explained
    const holding = yield* FiberMap.make<Id>()
    /** Of those that ran at the last look. */
    let owners: ReadonlyMap<Id, string> = new Map()

    const judged = (id: Id, owner: string) =>
      Effect.flatMap(standing(owner), ({ how, of }) => {
        // A record that is not there, its own or one above it, proves nothing: each look is another try.
        if (how === "active" || of === undefined) return Effect.void
        const held = hold(id, { cause: "key", reason: reasons[how](whose(owner, of)) })
        const told = Effect.catchAll(held, (error) => Effect.logDebug(`${id} was not held`, error))
        return Effect.asVoid(FiberMap.run(holding, id, told, { onlyIfMissing: true }))
      })

    /** Whose key cannot be read is left as it is: freezing all of them for it would help nobody, and each look is another try. */
    const look = Effect.gen(function* () {
      const known = owners
      const seen = new Map<Id, string>()
      for (const id of yield* running) {
        const owner = known.get(id) ?? Option.getOrUndefined(yield* ownerOf(id))
        // What has run has a history: it is only not there yet, or not any more.
        if (owner === undefined) continue
        seen.set(id, owner)
        yield* judged(id, owner)
      }
      owners = seen
    })

    const looking = Effect.catchAllCause(look, (cause) => Effect.logWarning("keys could not be looked at", cause))
    /** Never ends; to be supervised. */
    return Effect.asVoid(Effect.repeat(looking, Schedule.spaced(LOOK)))
  })
