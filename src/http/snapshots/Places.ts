/** Sessions and services as snapshots see them: found for whoever may, with what a clone would take over. */
import { Effect, Either } from "effect"
import * as Snapshots from "../../../actors/snapshot/Snapshots.js"
import type { Origin } from "../../../events/Layer.js"
import type { Refused } from "../../guards/Guard.js"
import { requestWellformed } from "../../guards/RequestWellformed.js"
import type { ServiceView } from "../../projections/ServiceTable.js"
import type { SessionView } from "../../projections/SessionTable.js"
import * as Asking from "../Asking.js"
import * as Consent from "../Consent.js"
import type { Fields } from "../Normalise.js"
import * as ServiceDesk from "../services/ServiceDesk.js"
import * as SessionDesk from "../sessions/SessionDesk.js"

/** What the caller named. */
export type Named =
  | { readonly _tag: "Session"; readonly id: string }
  | { readonly _tag: "Service"; readonly id: string }

const unnamed = requestWellformed.refuse({
  code: "source_required",
  message: "Name what it is of: session_id, or service_id, or source_type with source_id.",
  status: 400,
  details: { field: "source_id" }
})

const isText = (value: unknown): value is string => typeof value === "string" && value !== ""

/** By either of the two ways in which clients write it. */
export const named = (fields: Fields): Either.Either<Named, Refused> => {
  const { service_id, session_id, source_id, source_type } = fields
  if (isText(session_id)) return Either.right({ _tag: "Session", id: session_id })
  if (isText(service_id)) return Either.right({ _tag: "Service", id: service_id })
  if (!isText(source_id)) return Either.left(unnamed)
  if (source_type === "session") return Either.right({ _tag: "Session", id: source_id })
  return source_type === "service" ? Either.right({ _tag: "Service", id: source_id }) : Either.left(unnamed)
}

const originOfSession = ({ container, network, shell, vcpu }: SessionView): Origin => ({
  ...{ network, vcpu, shell, container },
  ports: [],
  serviceType: null
})

export const originOfService = ({ container, network, ports, serviceType, vcpu }: ServiceView): Origin => ({
  ...{ network, vcpu, container, ports, serviceType },
  shell: null
})

export const make = Effect.gen(function* () {
  const guarding = yield* Asking.make
  const consenting = yield* Consent.make
  const sessions = yield* SessionDesk.findable
  const services = yield* ServiceDesk.findable

  const session = (id: string, asking: Asking.Asking) => guarding.own(sessions, id, asking)
  const service = (id: string, asking: Asking.Asking) => guarding.own(services, id, asking)

  const source = Effect.fnUntraced(function* ({ _tag, id }: Named, asking: Asking.Asking) {
    if (_tag === "Session") {
      const { owned, view } = yield* session(id, asking)
      return { source: Snapshots.Source.Session({ owned }), origin: originOfSession(view) }
    }
    const { owned, view } = yield* service(id, asking)
    return { source: Snapshots.Source.Service({ owned }), origin: originOfService(view) }
  })

  /** What is replaced must not be locked either: D20. */
  const target = Effect.fnUntraced(function* ({ _tag, id }: Named, asking: Asking.Asking) {
    if (_tag === "Session") {
      const { owned, view } = yield* session(id, asking)
      const unlocked = yield* guarding.unlocked("session", view.session, view.locked, asking)
      const { owner, session: resource } = view
      const consent = yield* consenting("grave", { kind: "session", resource, owner }, asking)
      return Snapshots.Target.Session({ owned, unlocked, consent })
    }
    const { owned, view } = yield* service(id, asking)
    const unlocked = yield* guarding.unlocked("service", view.service, view.locked, asking)
    const { owner, service: resource } = view
    const consent = yield* consenting("grave", { kind: "service", resource, owner }, asking)
    return Snapshots.Target.Service({ owned, unlocked, consent })
  })

  return { service, source, target }
})
