/** Looks sessions up for those who may see them, and tells of them. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Clock, Effect, type Either, Option, Schema } from "effect"
import { type Failure, Sessions } from "../../../actors/session/Sessions.js"
import { refusedOf } from "../../../actors/snapshot/Unfit.js"
import { SessionId } from "../../../events/Ids.js"
import type { Refused } from "../../guards/Guard.js"
import type { Found } from "../../guards/ResourceKnown.js"
import type { LogUnavailable } from "../../log/EventLog.js"
import { SessionTable, type SessionView } from "../../projections/SessionTable.js"
import * as Asking from "../Asking.js"
import * as Consent from "../Consent.js"
import type * as Normalise from "../Normalise.js"
import { Problem, of as problemOf } from "../Problem.js"
import * as View from "./SessionView.js"
import { ShellTickets } from "./ShellTickets.js"

type Request = HttpServerRequest.HttpServerRequest
type Fields = Normalise.Fields

const unsettled = new Problem({
  status: 503,
  code: "session_unsettled",
  message: "The session is not known yet. Ask again shortly.",
  retryAfterSeconds: 1
})

/** What is over is no more. */
export const foundOf = ({ ended, owner }: SessionView): Found =>
  ended === null ? { owner } : { owner, gone: ended.cause === "ttl" ? "expired" : "destroyed", cause: ended.cause }

export const findable = Effect.map(SessionTable, ({ find }) => {
  return { kind: "session", isId: Schema.is(SessionId), find, found: foundOf } as const
})

/** Every way in which the inner parts can fail, as the caller reads it. */
export const told = (error: Failure | Problem): Problem => {
  if (error._tag === "LayerRefused") return problemOf(refusedOf(error))
  if (error._tag !== "SessionLost") return problemOf(error)
  return new Problem({
    status: 503,
    code: "session_lost",
    message:
      "The session's container could not be started or has been lost. If the session is over, open another; if not, try " +
      "again shortly.",
    retryAfterSeconds: 2
  })
}

export const make = (memoryMbPerVcpu: number) =>
  Effect.gen(function* () {
    const table = yield* SessionTable
    const sessions = yield* Sessions
    const tickets = yield* ShellTickets
    const guarding = yield* Asking.make
    const known = yield* findable
    const consenting = yield* Consent.make

    /** `lingers`: also one that is over. */
    const own = (id: string, asking: Asking.Asking, lingers = false) =>
      guarding.own(lingers ? { ...known, found: ({ owner }) => ({ owner }) } : known, id, asking)

    const unlocked = ({ locked, session }: SessionView, asking: Asking.Asking) =>
      guarding.unlocked("session", session, locked, asking)

    /** To do to one of the caller's what cannot be undone. */
    const consented = (weight: Consent.Weight, { owner, session: resource }: SessionView, asking: Asking.Asking) =>
      consenting(weight, { kind: "session", resource, owner }, asking)

    /** D11 on what the body says. */
    const read = <A>(judge: (fields: Fields) => Either.Either<A, Refused>, asking: Asking.Asking) =>
      Effect.flatMap(guarding.fields(asking), (fields) => guarding.judge(judge(fields), asking))

    const tell = (view: SessionView, request: Request) =>
      Effect.map(Clock.currentTimeMillis, (nowMillis) =>
        View.session(view, {
          nowMillis,
          activeAt: sessions.activity(view.session),
          websocketUrl: tickets.url(view.session, request, nowMillis),
          memoryMbPerVcpu
        })
      )

    const view = (id: SessionId): Effect.Effect<SessionView, LogUnavailable | Problem> =>
      Effect.flatMap(table.find(id), Option.match({ onNone: () => unsettled, onSome: Effect.succeed }))

    return { own, unlocked, consented, read, tell, view, guarding }
  })

export type SessionDesk = Effect.Effect.Success<ReturnType<typeof make>>
