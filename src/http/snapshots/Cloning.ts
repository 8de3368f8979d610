/** New sessions and services that begin with a layer: what the caller says of them, over what the origin had. */
import { Effect, Either, Option } from "effect"
import { Services } from "../../../actors/service/Services.js"
import { Sessions } from "../../../actors/session/Sessions.js"
import type { Digest } from "../../../events/Ids.js"
import type { Origin } from "../../../events/Layer.js"
import type { Place } from "../../../events/Snapshot.js"
import type { Refused } from "../../guards/Guard.js"
import { requestWellformed } from "../../guards/RequestWellformed.js"
import { ServiceTable } from "../../projections/ServiceTable.js"
import { Allowance } from "../Allowance.js"
import type { Asking } from "../Asking.js"
import { type Fields, isSaid } from "../Normalise.js"
import * as ServiceIntake from "../services/ServiceIntake.js"
import * as ServiceTelling from "../services/ServiceTelling.js"
import * as ServiceWords from "../services/ServiceWords.js"
import * as SessionDesk from "../sessions/SessionDesk.js"
import * as SessionIntake from "../sessions/SessionIntake.js"
import * as SessionRequest from "../sessions/SessionRequest.js"

type Session = Extract<Place, { readonly _tag: "Session" }>
type Service = Extract<Place, { readonly _tag: "Service" }>

const said = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => isSaid(value)))

/** The order, and what it was where the order says nothing: once every alias is resolved. */
const over = <O extends object>(order: O, usual: Partial<O>): O => {
  const silent = Object.entries(usual).filter(([name]) => !isSaid(Reflect.get(order, name)))
  return { ...order, ...Object.fromEntries(silent) }
}

const neither = requestWellformed.refuse({
  code: "invalid_request",
  message: 'type must be "session" or "service".',
  status: 400,
  details: { field: "type" }
})

/** What it is to be; as it was when the caller does not say. */
export const kindOf = (fields: Fields, source: Place): Either.Either<"session" | "service", Refused> => {
  const said = fields.type ?? fields.clone_type ?? ""
  if (said === "") return Either.right(source._tag === "Session" ? "session" : "service")
  return said === "session" || said === "service" ? Either.right(said) : Either.left(neither)
}

/** A network mode that this server has not is refused, never replaced. */
export const make = Effect.gen(function* () {
  const sessions = yield* Sessions
  const services = yield* Services
  const table = yield* ServiceTable
  const allowance = yield* Allowance
  const telling = yield* ServiceTelling.make
  const sessionIntake = yield* SessionIntake.make
  const serviceIntake = yield* ServiceIntake.make

  const session = ({ type: _, ...fields }: Fields, { network, shell, vcpu }: Origin, asking: Asking) =>
    Effect.gen(function* () {
      const usual = { network_mode: network, vcpu, ...(shell === null ? {} : { shell }) }
      const { files, order } = SessionRequest.asked(asking.target)(said(fields))
      const permits = yield* sessionIntake.judge(Either.right({ files, order: over(order, usual) }), asking)
      const { key, trace } = asking.caller
      return (from: Digest) =>
        sessions.open({ ...permits, owner: key.key, from, trace }).pipe(
          Effect.mapBoth({
            onSuccess: (session): Session => ({ _tag: "Session", session }),
            onFailure: SessionDesk.told
          })
        )
    })

  const service = (fields: Fields, { network, ports, serviceType, vcpu }: Origin, asking: Asking) =>
    Effect.gen(function* () {
      const usual = { network_mode: network, vcpu, ports, service_type: serviceType ?? undefined }
      const { key, trace } = asking.caller
      const { order, ...words } = ServiceWords.order(said(fields))
      const permits = yield* serviceIntake.judge({ ...words, order: over(order, usual) }, asking)
      return (from: Digest) =>
        services.create({ ...permits, owner: key.key, from, trace }).pipe(
          allowance.within("service", asking),
          Effect.mapBoth({
            onSuccess: (service): Service => ({ _tag: "Service", service }),
            onFailure: SessionDesk.told
          })
        )
    })

  /** As the rest of the API tells of it. */
  const told = (place: Place) => {
    if (place._tag === "Session") {
      const { session } = place
      return Effect.succeed({
        ...{ id: session, session_id: session, type: "session" },
        ...{ status: "running", state: "running" }
      })
    }
    return Effect.map(table.find(place.service), (found) => ({
      ...{ id: place.service, service_id: place.service, status: "starting", state: "starting" },
      ...Option.match(found, { onNone: () => ({}), onSome: telling.fresh }),
      type: "service"
    }))
  }

  return { session, service, told }
})
