/** What handlers of services have in common: who asks, for which service, and how an answer is told. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect, Either } from "effect"
import { Services } from "../../../actors/service/Services.js"
import { requestWellformed } from "../../guards/RequestWellformed.js"
import type { ServiceView } from "../../projections/ServiceTable.js"
import * as Asking from "../Asking.js"
import { Caller } from "../Authentication.js"
import * as Consent from "../Consent.js"
import * as Normalise from "../Normalise.js"
import * as Refusing from "../Refusing.js"
import * as Answer from "../wire/Answer.js"
import * as ServiceDesk from "./ServiceDesk.js"
import type { From } from "./ServiceIntake.js"
import * as ServiceTelling from "./ServiceTelling.js"

export interface One {
  readonly path: { readonly id: string }
  readonly request: HttpServerRequest.HttpServerRequest
}

export const make = Effect.gen(function* () {
  const services = yield* Services
  const desk = yield* ServiceDesk.make
  const refusing = yield* Refusing.make
  const telling = yield* ServiceTelling.make
  const consenting = yield* Consent.make

  const from = ({ method, url }: HttpServerRequest.HttpServerRequest): Effect.Effect<From, never, Caller> =>
    Effect.map(Caller, ({ key }) => ({ owner: key.key, key, method, url }))

  /** The caller's, with its permits. */
  const own = ({ path, request }: One) =>
    Effect.gen(function* () {
      const asking = yield* from(request)
      return { asking, ...(yield* desk.own(path.id, asking)) }
    })

  /** To do to one of the caller's what cannot be undone. */
  const consented = (weight: Consent.Weight, { service: resource, owner }: ServiceView, { request }: One) =>
    Effect.flatMap(Asking.of(request), (asking) => consenting(weight, { kind: "service", resource, owner }, asking))

  /** And to be changed. */
  const changing = (one: One) =>
    Effect.gen(function* () {
      const mine = yield* own(one)
      return { ...mine, unlocked: yield* desk.unlocked(mine.view, mine.asking) }
    })

  /** D11 on a body that is to be an object. */
  const fields = ({ method, owner, url }: From) =>
    Effect.gen(function* () {
      const { body } = yield* Caller
      const read: Either.Either<Normalise.Fields, Parameters<typeof requestWellformed.refuse>[0]> =
        Normalise.object(body)
      return yield* refusing(Either.mapLeft(read, requestWellformed.refuse), owner, method, url)
    })

  const changed = ({ service }: ServiceView, message: string) =>
    Effect.gen(function* () {
      const view = yield* desk.again(service)
      return Answer.json({ ...(yield* telling.one(view)), success: true, message })
    })

  return { services, desk, refusing, telling, from, own, changing, consented, fields, changed }
})

export type ServiceRoutes = Effect.Effect.Success<typeof make>
