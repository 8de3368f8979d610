/** What a session's owner changes about it: each answer is how it stands then. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect } from "effect"
import type { Failure, Sessions } from "../../../actors/session/Sessions.js"
import { boostWellformed, extensionWellformed } from "../../guards/SessionOrder.js"
import { entitles } from "../../guards/TierEntitled.js"
import { Caller } from "../Authentication.js"
import type { Problem } from "../Problem.js"
import * as Answer from "../wire/Answer.js"
import * as SessionDesk from "./SessionDesk.js"

type Request = HttpServerRequest.HttpServerRequest

interface One {
  readonly path: { readonly id: string }
  readonly request: Request
}

export const make = (sessions: typeof Sessions.Service, desk: SessionDesk.SessionDesk, memoryMbPerVcpu: number) => {
  /** Something done to one of the caller's sessions; the answer is how it stands then, and what `done` adds. */
  const change = <R>(done: (one: SessionDesk.Owned, request: Request) => Effect.Effect<object, Failure | Problem, R>) =>
    Effect.fnUntraced(function* ({ path, request }: One) {
      const one = yield* desk.own(path.id, request)
      const more = yield* done(one, request)
      const now = yield* desk.tell(yield* desk.view(one.view.session), request)
      return Answer.json({ ...now, ...more })
    }, Effect.mapError(SessionDesk.told))

  const memory = (vcpu: number) => ({ memory: `${vcpu * memoryMbPerVcpu} MB` })

  const boost = change(({ owned }, request) =>
    Effect.gen(function* () {
      const { vcpu } = (yield* desk.read(request, boostWellformed.decide)).facts
      const { key } = yield* Caller
      yield* desk.refusing(entitles({ scope: "sessions", vcpu }, key), key.key, request.method, request.url)
      yield* sessions.boost(owned, vcpu)
      return memory(vcpu)
    })
  )

  const unboost = change(({ owned, view }) => Effect.as(sessions.unboost(owned), memory(view.vcpu)))

  const extend = change(({ owned }, request) =>
    Effect.flatMap(desk.read(request, extensionWellformed.decide), ({ facts }) =>
      Effect.as(sessions.extend(owned, facts.ttlMillis), {})
    )
  )

  const unfreeze = change(({ owned }) =>
    Effect.map(sessions.unfreeze(owned), (millis) => ({ unfreeze_time_ms: Math.round(millis * 1_000) / 1_000 }))
  )

  return {
    ...{ boost, unboost, extend, unfreeze },
    freeze: change(({ owned }) => Effect.as(sessions.freeze(owned), {})),
    lock: change(({ owned }) => Effect.as(sessions.lock(owned), {})),
    unlock: change(({ owned, view }, request) =>
      Effect.flatMap(desk.consented("plain", view, request), (consent) =>
        Effect.as(sessions.unlock(owned, consent), {})
      )
    )
  }
}
