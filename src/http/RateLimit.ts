/** D06 on the way in: requests that begin work are charged to their key, and told how much of its rate is left. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpRouter from "@effect/platform/HttpRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as OpenApi from "@effect/platform/OpenApi"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Context, Effect, Either, Option } from "effect"
import { Rates } from "../../actors/key/Rates.js"
import type { Refused } from "../guards/Guard.js"
import { type Rate, rateWithin } from "../guards/RateWithin.js"
import type { TrustedClock } from "../guards/TrustedClock.js"
import type { KeyRecord } from "../projections/KeyTable.js"
import { Api } from "./Api.js"
import * as Problem from "./Problem.js"
import * as Refusing from "./Refusing.js"

const SECOND = 1_000_000

/** The decision points that a route was declared with. */
export const pointsOf = (annotations: Context.Context<never>): ReadonlyArray<unknown> => {
  const transform = Option.getOrUndefined(Context.getOption(annotations, OpenApi.Transform))
  const points: unknown = transform === undefined ? undefined : transform({})["x-decision-points"]
  return Array.isArray(points) ? points : []
}

type Step = "charge" | "look"

/** What is done about a key's rate at each route, by its method and path; at the others, nothing. */
const steps: ReadonlyMap<string, Step> = (() => {
  const found = new Map<string, Step>([["GET /keys/self", "look"]])
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint: { method, path }, mergedAnnotations }) => {
      if (pointsOf(mergedAnnotations).includes("D06")) found.set(`${method} ${path}`, "charge")
    }
  })
  return found
})()

type Request = HttpServerRequest.HttpServerRequest

/** On the raw response, so that no way to answer can lose them. */
const tell = (request: Request, { remaining, resetAt, rpm }: Rate): void => {
  const response = NodeHttpServerRequest.toServerResponse(request)
  response.setHeader("X-RateLimit-Limit", String(rpm > 0 ? Math.max(1, Math.floor(rpm)) : 0))
  response.setHeader("X-RateLimit-Remaining", String(remaining))
  response.setHeader("X-RateLimit-Reset", String(Math.ceil(resetAt / SECOND)))
}

export const make = Effect.gen(function* () {
  const rates = yield* Rates
  const refusing = yield* Refusing.make

  const charged = (request: Request, key: KeyRecord, found: Either.Either<Rate, { readonly _tag: string }>) => {
    const decision: Either.Either<unknown, Refused> = Either.isRight(found)
      ? rateWithin.decide(found.right)
      : Either.left(rateWithin.doubt(`facts: ${found.left._tag}`))
    if (Either.isRight(found)) tell(request, found.right)
    if (Either.isRight(decision)) return Effect.void
    return Effect.mapError(refusing(decision, key.key, request.method, request.url), Problem.of)
  }

  return (request: Request, key: KeyRecord, clock: () => TrustedClock) =>
    Effect.flatMap(HttpRouter.RouteContext, ({ route: { method, path } }) => {
      const step = steps.get(`${method} ${path}`)
      if (step === undefined) return Effect.void
      if (step === "charge")
        return Effect.flatMap(Effect.either(rates.charge(key, clock())), (found) => charged(request, key, found))
      return Effect.ignore(Effect.map(rates.look(key, clock()), (rate) => tell(request, rate)))
    })
})
