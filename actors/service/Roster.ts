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
import { Mutex } from "../Mutex.js"
import * as Waking from "../Waking.js"
import { Live } from "./Live.js"
import * as Service from "./Service.js"
import * as ServiceActor from "./ServiceActor.js"
import type { Tenancy } from "./Tenancy.js"

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
  /** As `ask`, for a visitor: a slot of its owner's is needed for it. */
  readonly awaken: (service: ServiceId, owner: string) => Effect.Effect<Service.State, Refused | LogUnavailable>
  /** Runs one that its history says should. */
  readonly wakeUp: (service: ServiceId) => Effect.Effect<void>
}

const ANSWERED_WITHIN = "30 seconds"
const late = () => new LogUnavailable({ reason: "its actor does not answer", written: "unknown" })

/** Whose slot a command needs: that of one that is to run afterwards, whether or not it did before. */
const payerOf = (command: Service.Command): string | undefined => {
  switch (command._tag) {
    case "Create":
      return command.created.owner
    case "Unfreeze":
    case "Redeploy":
    case "Stop":
      return command.owned.facts.actor
    default:
      return undefined
  }
}

/** The log may be full for a while: an actor is run again until it is stopped. */
const untilReadable = Schedule.spaced("500 millis")

export const make = ({ actors, keepers }: Options, tenancy: Tenancy, keep: Keep) =>
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
        const followed = (follow: (state: Service.State) => void) => (state: Service.State) =>
          Effect.map(tenancy.follow(service, state), () => follow(state))
        const live = new Live(service, (follow) => Actor.on(log, ServiceActor.definition(service, followed(follow))))
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
        Effect.zipRight(tenancy.follow(service, state), Service.wantsContainer(state) ? start(service) : Effect.void)
      )

    // Told at once as well: whoever asked goes on before the actor has reacted, and lets go of the slot that it had in hand.
    const living = (live: Live, command: Service.Command, meta?: Actor.Meta) =>
      Effect.tap(live.actor.commit(command, meta), ({ state }) => tenancy.follow(live.service, state))

    const woken = (service: ServiceId, command: Service.Command, meta?: Actor.Meta) =>
      // What became durable is acted upon, whether or not the asker stays.
      Effect.uninterruptible(
        alone.of(service)(
          Effect.suspend(() => {
            const live = here.get(service)
            return live === undefined ? passive(service, command, meta) : living(live, command, meta)
          })
        )
      )

    const commit = (service: ServiceId, command: Service.Command, meta?: Actor.Meta) =>
      Effect.suspend(() => {
        const live = here.get(service)
        if (live === undefined) return woken(service, command, meta)
        return Effect.catchIf(
          living(live, command, meta),
          (error) => error._tag === "NotAccepted" && error.reason === "stopped",
          () => woken(service, command, meta)
        )
      })

    const ask = (service: ServiceId, payer: string | undefined, command: Service.Command, meta?: Actor.Meta) => {
      const told = commit(service, command, meta)
      // The slot is in hand for as long as it is not known what became of the command, whoever waits for that.
      const paid =
        payer === undefined ? told : Effect.disconnect(Effect.uninterruptible(tenancy.going(service, payer)(told)))
      return paid.pipe(
        Effect.map(({ state }) => state),
        Effect.timeoutFail({ duration: ANSWERED_WITHIN, onTimeout: late }),
        Effect.catchTags({
          Rejected: (rejected) => refuseRejected("service", rejected),
          NotAccepted: Waking.unanswered,
          OutcomeUnknown: Waking.unanswered
        })
      )
    }

    return {
      find: (service) => here.get(service),
      size: () => here.size,
      all: () => here.values(),
      ask: (service, command, meta) => ask(service, payerOf(command), command, meta),
      awaken: (service, owner) => ask(service, owner, Service.Command.Wake()),
      wakeUp: (service) =>
        alone
          .of(service)(Effect.suspend(() => (here.has(service) ? Effect.void : start(service))))
          .pipe(Effect.uninterruptible)
    }
  })
