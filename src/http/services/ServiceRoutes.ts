/** What handlers of services have in common: who asks, for which service, and how an answer is told. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect } from "effect"
import { Services } from "../../../actors/service/Services.js"
import type { ServiceView } from "../../projections/ServiceTable.js"
import * as Asking from "../Asking.js"
import * as Consent from "../Consent.js"
import * as Answer from "../wire/Answer.js"
import * as ServiceDesk from "./ServiceDesk.js"
import * as ServiceTelling from "./ServiceTelling.js"

export interface One {
  readonly path: { readonly id: string }
  readonly request: HttpServerRequest.HttpServerRequest
}

export const make = Effect.gen(function* () {
  const services = yield* Services
  const desk = yield* ServiceDesk.make
  const guarding = yield* Asking.make
  const telling = yield* ServiceTelling.make
  const consenting = yield* Consent.make

  /** The caller's, with its permits. */
  const own = ({ path, request }: One) =>
    Effect.gen(function* () {
      const asking = yield* Asking.of(request)
      return { asking, ...(yield* desk.own(path.id, asking)) }
    })

  /** To do to one of the caller's what cannot be undone. */
  const consented = (weight: Consent.Weight, { service: resource, owner }: ServiceView, asking: Asking.Asking) =>
    consenting(weight, { kind: "service", resource, owner }, asking)

  /** And to be changed. */
  const changing = (one: One) =>
    Effect.gen(function* () {
      const mine = yield* own(one)
      return { ...mine, unlocked: yield* desk.unlocked(mine.view, mine.asking) }
    })

  const changed = ({ service }: ServiceView, message: string) =>
    Effect.gen(function* () {
      const view = yield* desk.again(service)
      return Answer.json({ ...(yield* telling.one(view)), success: true, message })
    })

  return { services, desk, guarding, telling, own, changing, consented, changed }
})

export type ServiceRoutes = Effect.Effect.Success<typeof make>
