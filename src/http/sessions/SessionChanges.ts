/** What a session's owner changes about it: each answer is how it stands then. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect } from "effect"
import type { Failure, Sessions } from "../../../actors/session/Sessions.js"
import { boostWellformed, extensionWellformed } from "../../guards/SessionOrder.js"
import { entitles } from "../../guards/TierEntitled.js"
import type { SessionView } from "../../projections/SessionTable.js"
import * as Asking from "../Asking.js"
import type { Problem } from "../Problem.js"
import * as Answer from "../wire/Answer.js"
import * as SessionDesk from "./SessionDesk.js"

type Request = HttpServerRequest.HttpServerRequest

/** The caller's own. */
type One = Asking.Mine<"session", SessionView>

/** What names one, whoever it is of. */
interface Addressed {
  readonly path: { readonly id: string }
  readonly request: Request
}

export const make = (sessions: typeof Sessions.Service, desk: SessionDesk.SessionDesk, memoryMbPerVcpu: number) => {
  /** Something done to one of the caller's sessions; the answer is how it stands then, and what `done` adds. */
  const change = <R>(done: (one: One, asking: Asking.Asking) => Effect.Effect<object, Failure | Problem, R>) =>
    Effect.fnUntraced(function* ({ path, request }: Addressed) {
      const asking = yield* Asking.of(request)
      const one = yield* desk.own(path.id, asking)
      const more = yield* done(one, asking)
      const now = yield* desk.tell(yield* desk.view(one.view.session), request)
      return Answer.json({ ...now, ...more })
    }, Effect.mapError(SessionDesk.told))

  const memory = (vcpu: number) => ({ memory: `${vcpu * memoryMbPerVcpu} MB` })

  const boost = change(({ owned }, asking) =>
    Effect.gen(function* () {
      const { vcpu } = (yield* desk.read(boostWellformed.decide, asking)).facts
      yield* desk.guarding.judge(entitles({ scope: "sessions", vcpu }, asking.caller.key), asking)
      yield* sessions.boost(owned, vcpu)
      return memory(vcpu)
    })
  )

  const unboost = change(({ owned, view }) => Effect.as(sessions.unboost(owned), memory(view.vcpu)))

  const extend = change(({ owned }, asking) =>
    Effect.flatMap(desk.read(extensionWellformed.decide, asking), ({ facts }) =>
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
    unlock: change(({ owned, view }, asking) =>
      Effect.flatMap(desk.consented("plain", view, asking), (consent) => Effect.as(sessions.unlock(owned, consent), {}))
    )
  }
}
