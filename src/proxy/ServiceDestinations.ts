/** Services as visitors find them: by the name below the domain, or by a domain of their owner's. */
import { Clock, Effect, Layer, Option, Schedule } from "effect"
import { type Awake, type NotAwake, Services } from "../../actors/service/Services.js"
import type { ServiceId } from "../../events/Ids.js"
import { ServiceTable, type ServiceView } from "../projections/ServiceTable.js"
import { Destination, Destinations, type Dial, Unreachable } from "./Destinations.js"

/** States that a service leaves without its owner's help, or in which nothing is known of it. */
const passing: ReadonlyArray<NotAwake["state"]> = ["starting", "redeploying", "frozen", "unread"]

/** Milliseconds from its start to its first visitor's answer: until then "refused" means "not yet". */
const LISTENS_WITHIN = 30_000
const PAUSE = "50 millis"
const TRIES = 700
const [EBUSY, ECONNREFUSED] = [16, 111]

const down = (name: string, reason: string, retry: boolean) => Destination.Down({ name, reason, retry })

/** Not knowing is no reason to say that there is nothing. */
const unread = () => down("", "what is known of it cannot be read just now", true)

const ended = ({ name }: ServiceView, { at, cause }: NonNullable<ServiceView["ended"]>) =>
  Destination.Destroyed({ name, cause: cause === "asked" ? "its owner asked for it" : cause, at })

const make = (domain: string) =>
  Effect.gen(function* () {
    const services = yield* Services
    const table = yield* ServiceTable
    const suffix = `.on.${domain}`

    /** Refused because it listens not yet, or frozen once more by the time that it is dialled: worth another try. */
    const dialled = (service: ServiceId, port: number, until: number): Dial =>
      Effect.flatMap(services.awake(service), ({ dial }) => dial(port)).pipe(
        Effect.retry({
          schedule: Schedule.spaced(PAUSE),
          while: (error) =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              if (error._tag !== "SubstrateFailed") return false
              return error.errno === EBUSY || (error.errno === ECONNREFUSED && now < until)
            }),
          times: TRIES
        }),
        Effect.mapError(({ message }) => new Unreachable({ reason: message }))
      )

    const ready = ({ name, service, since, state }: ServiceView, port: number, { asleep, container }: Awake) =>
      Destination.Ready({
        ...{ name, service, asleep, line: `${container}:${port}` },
        // Most visitors find a line that is kept.
        dial: Effect.flatMap(Clock.currentTimeMillis, (now) =>
          dialled(service, port, (state === "running" ? since / 1_000 : now) + LISTENS_WITHIN)
        )
      })

    const awake = (view: ServiceView, port: number) =>
      Effect.match(services.awake(view.service), {
        onFailure: ({ reason, state }) => down(view.name, reason, passing.includes(state)),
        onSuccess: (there) => ready(view, port, there)
      })

    const destination = (view: ServiceView): Effect.Effect<Destination> => {
      const { name, ports, showFreezePage, state, unfreezeOnDemand } = view
      if (view.ended !== null) return Effect.succeed(ended(view, view.ended))
      if (state === "frozen" && !unfreezeOnDemand)
        return Effect.succeed(Destination.Asleep({ name, page: showFreezePage }))
      if (state === "failed") return Effect.succeed(down(name, "it failed", false))
      const port = ports[0]
      return port === undefined ? Effect.succeed(down(name, "it has no port for visitors", false)) : awake(view, port)
    }

    const found = (view: Effect.Effect<Option.Option<ServiceView>, unknown>) =>
      Effect.matchEffect(view, {
        onFailure: () => Effect.sync(unread),
        onSuccess: Option.match({ onNone: () => Effect.succeed(Destination.Unknown()), onSome: destination })
      })

    return Destinations.of({
      byHost: (host) => {
        const name = host.endsWith(suffix) ? host.slice(0, -suffix.length) : undefined
        return found(name === undefined ? table.byDomain(host) : table.byName(name))
      },
      byService: (service) => found(table.find(service)),
      publicPorts: Effect.mapError(table.publicPorts, ({ reason }) => new Unreachable({ reason }))
    })
  })

export const layer = (domain: string) => Layer.effect(Destinations, make(domain))
