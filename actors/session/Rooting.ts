/** Orders about a session's root: it is read while nothing writes, replaced while nothing runs, removed for good. */
import { Deferred, Effect, type Exit, Schedule } from "effect"
import type { EventLog } from "../../src/log/EventLog.js"
import type { SubstrateError } from "../../src/substrate/Substrate.js"
import { isUnheld, notRunning } from "./Connecting.js"
import { type Live, type Living, Turn } from "./Living.js"
import { anew, by, find, ordering, substrate } from "./Ordering.js"
import * as Session from "./Session.js"
import type { Failure, Sessions } from "./Sessions.js"
import * as Telling from "./Telling.js"
import * as Tenure from "./Tenure.js"

interface Options {
  readonly log: typeof EventLog.Service
  /** Where its root lies. */
  readonly rootOf: (session: Live["session"]) => string
}

const ENDS_WITHIN = "2 minutes"

/** A thaw that fails is tried for a while; what stays frozen is told, and a start puts it right. */
const untilThawed = {
  schedule: Schedule.spaced("100 millis"),
  times: 50,
  while: ({ _tag }: SubstrateError) => _tag === "SubstrateFailed"
}

/** Programs that cannot be frozen are not read from, and are as they were afterwards. */
const quiet = <A, E, R>(live: Live, hot: boolean, body: Effect.Effect<A, E, R>): Effect.Effect<A, E | Failure, R> => {
  const container = live.claimed?.container
  const { _tag } = live.state
  if (_tag === "Starting") return notRunning(live)
  if (hot || (_tag !== "Running" && _tag !== "Frozen")) return body
  if (container === undefined) return notRunning(live)
  if (_tag === "Frozen") return body
  return Effect.acquireUseRelease(
    substrate(container.freeze),
    () => body,
    () => Effect.ignoreLogged(Effect.retry(container.unfreeze, untilThawed))
  )
}

type Replacing = Parameters<typeof Session.Command.Replace>[0]

const replaced = (live: Live, replacing: Replacing, layer: Parameters<typeof Turn.Replace>[0]["layer"]) =>
  Effect.gen(function* () {
    // Whoever takes it into hand would find another state than it was left in.
    if (live.state._tag === "Starting" || isUnheld(live)) return yield* notRunning(live)
    const done = yield* Deferred.make<void, Failure>()
    yield* anew(live)
    yield* Tenure.running(live, Telling.tell(live, Session.Command.Replace(replacing), by(replacing.owned)))
    yield* Deferred.succeed(live.turn, Turn.Replace({ layer, replaced: done }))
    const over = Effect.zipRight(Deferred.await(live.ended), notRunning(undefined))
    // The loser of the race must be interruptible, or the winner would wait for it.
    const either = Effect.interruptible(Effect.raceFirst(Deferred.await(done), over))
    const exit: Exit.Exit<void, Failure> = yield* Effect.exit(either)
    yield* Deferred.await(live.running)
    return yield* exit
  })

export const make = ({ log, rootOf }: Options, living: Living) => {
  const order = ordering(living)

  /** Its worker hears of what the log knows, also when whoever asked has gone away. */
  const deleted = (live: Live, deleting: Parameters<typeof Session.Command.Delete>[0]) =>
    Telling.surely(log, live, Session.Command.Delete(deleting), by(deleting.owned)).pipe(
      // On its way to rest it has another turn by the time that this is told.
      Effect.zipRight(Effect.suspend(() => Deferred.succeed(live.turn, Turn.Deleted()))),
      Effect.uninterruptible
    )

  return {
    /** It does not wait its turn: whatever is under way ends with the session. */
    remove: (owned, unlocked, consent) =>
      Effect.suspend(() => {
        const live = living.find(owned.facts.resource)
        if (live === undefined) return Effect.void
        const ended = Effect.timeoutFail(Deferred.await(live.ended), {
          duration: ENDS_WITHIN,
          onTimeout: Telling.late("the end of its container")
        })
        return live.state._tag === "Ended" ? ended : Effect.zipRight(deleted(live, { owned, unlocked, consent }), ended)
      }),
    quiesced: (owned, hot, body) =>
      Effect.flatMap(find(living, owned), (live) => {
        const read = Effect.suspend(() =>
          living.find(live.session) === live ? quiet(live, hot, body(rootOf(live.session))) : notRunning(undefined)
        )
        return live.hand.withPermits(1)(live.root.withPermits(1)(read))
      }),
    restore: (owned, unlocked, consent, layer) =>
      order(owned, (live) => replaced(live, { owned, unlocked, consent }, layer))
  } satisfies Partial<typeof Sessions.Service>
}
