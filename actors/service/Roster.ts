/**
 * The services that run here, and the one way to tell any service something: its living actor, or one woken for the
 * command. What is passive costs no fiber and no memory.
 */
import { Effect, Schedule } from "effect"
import type { ServiceId } from "../../events/Ids.js"
import type { Refused } from "../../src/guards/Guard.js"
import { refuseRejected } from "../../src/guards/TransitionLegal.js"
import * as Actor from "../../src/kernel/Actor.js"
import type { Children } from "../../src/kernel/Children.js"
import { EventLog, LogUnavailable } from "../../src/log/EventLog.js"
import * as Waking from "../Waking.js"
import { Live } from "./Live.js"
import { Mutex } from "./Mutex.js"
import * as Service from "./Service.js"
import * as ServiceActor from "./ServiceActor.js"

export interface Options {
  /** Own the actors of the services that run. */
  readonly actors: Children
  /** Own their keepers. */
  readonly keepers: Children
}

/** Runs a service for as long as it is to have a container; `retire` says whether it may stop doing so. */
type Keep = (live: Live, retire: Effect.Effect<boolean>) => Effect.Effect<void, unknown>

export interface Roster {
  readonly find: (service: ServiceId) => Live | undefined
  readonly size: () => number
  readonly all: () => Iterable<Live>
  /** Resolves once it is durable; who must run from then on is run. */
  readonly ask: (
    service: ServiceId,
    command: Service.Command,
    meta?: Actor.Meta
  ) => Effect.Effect<Service.State, Refused | LogUnavailable>
  /** Runs one that its history says should. */
  readonly wakeUp: (service: ServiceId) => Effect.Effect<void>
}

const ANSWERED_WITHIN = "30 seconds"
const late = () => new LogUnavailable({ reason: "its actor does not answer", written: "unknown" })

/** The log may be full for a while: an actor is run again until it is stopped. */
const untilReadable = Schedule.spaced("500 millis")

export const make = ({ actors, keepers }: Options, keep: Keep) =>
  Effect.map(EventLog, (log): Roster => {
    const here = new Map<ServiceId, Live>()
    const alone = new Mutex()

    const forget = (live: Live) =>
      Effect.suspend(() => {
        if (here.get(live.service) === live) here.delete(live.service)
        live.retired = true
        live.ring()
        return live.actor.stop
      })

    /** One step with whoever wakes it: a command either finds it here, or wakes it again. */
    const retire = (live: Live) =>
      alone.of(live.service)(
        Effect.suspend(() =>
          live.state !== undefined && Service.wantsContainer(live.state)
            ? Effect.succeed(false)
            : Effect.as(forget(live), true)
        )
      )

    const start = (service: ServiceId) =>
      Effect.gen(function* () {
        // Those of its last run here may still be on their way out, under the same name.
        yield* keepers.stop(service)
        yield* actors.stop(service)
        const live = new Live(service, (follow) => Actor.on(log, ServiceActor.definition(service, follow)))
        here.set(service, live)
        const acting = yield* actors.start(service, Effect.retry(live.actor.run, untilReadable), live.actor.stop)
        const kept = acting && (yield* keepers.start(service, keep(live, retire(live)), forget(live)))
        if (!kept) {
          yield* Effect.logError(`${service} cannot be run: too many services run here, or the server is stopping`)
          yield* forget(live)
        }
      })

    const passive = (service: ServiceId, command: Service.Command, meta?: Actor.Meta) =>
      Effect.tap(Waking.wake(log, ServiceActor.definition(service), command, meta), ({ state }) =>
        Service.wantsContainer(state) ? start(service) : Effect.void
      )

    const woken = (service: ServiceId, command: Service.Command, meta?: Actor.Meta) =>
      // What became durable is acted upon, whether or not the asker stays.
      Effect.uninterruptible(
        alone.of(service)(
          Effect.suspend(() => here.get(service)?.actor.commit(command, meta) ?? passive(service, command, meta))
        )
      )

    const commit = (service: ServiceId, command: Service.Command, meta?: Actor.Meta) =>
      Effect.suspend(() => {
        const live = here.get(service)
        if (live === undefined) return woken(service, command, meta)
        return Effect.catchIf(
          live.actor.commit(command, meta),
          (error) => error._tag === "NotAccepted" && error.reason === "stopped",
          () => woken(service, command, meta)
        )
      })

    return {
      find: (service) => here.get(service),
      size: () => here.size,
      all: () => here.values(),
      ask: (service, command, meta) =>
        commit(service, command, meta).pipe(
          Effect.map(({ state }) => state),
          Effect.timeoutFail({ duration: ANSWERED_WITHIN, onTimeout: late }),
          Effect.catchTags({
            Rejected: (rejected) => refuseRejected("service", rejected),
            NotAccepted: Waking.unanswered,
            OutcomeUnknown: Waking.unanswered
          })
        ),
      wakeUp: (service) =>
        alone
          .of(service)(Effect.suspend(() => (here.has(service) ? Effect.void : start(service))))
          .pipe(Effect.uninterruptible)
    }
  })
