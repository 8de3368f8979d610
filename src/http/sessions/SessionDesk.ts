/** Looks sessions up for those who may see them, and tells of them. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Clock, Effect, Either, Option, Schema } from "effect"
import { type Failure, Sessions } from "../../../actors/session/Sessions.js"
import { refusedOf } from "../../../actors/snapshot/Unfit.js"
import { SessionId } from "../../../events/Ids.js"
import type { Permit, Reason, Refused } from "../../guards/Guard.js"
import { requestWellformed } from "../../guards/RequestWellformed.js"
import { type Found, resourceKnown } from "../../guards/ResourceKnown.js"
import { type Ownership, resourceOwned } from "../../guards/ResourceOwned.js"
import { resourceUnlocked } from "../../guards/ResourceUnlocked.js"
import type { LogUnavailable } from "../../log/EventLog.js"
import { SessionTable, type SessionView } from "../../projections/SessionTable.js"
import * as Asking from "../Asking.js"
import { Caller } from "../Authentication.js"
import * as Consent from "../Consent.js"
import * as Normalise from "../Normalise.js"
import { Problem, of as problemOf } from "../Problem.js"
import * as Refusing from "../Refusing.js"
import * as View from "./SessionView.js"
import { ShellTickets } from "./ShellTickets.js"

type Request = HttpServerRequest.HttpServerRequest
type Fields = Normalise.Fields

export interface Owned {
  readonly view: SessionView
  readonly owned: Permit<"D17", Ownership<"session">>
}

const isSessionId = Schema.is(SessionId)

const unsettled = new Problem({
  status: 503,
  code: "session_unsettled",
  message: "The session is not known yet. Ask again shortly.",
  retryAfterSeconds: 1
})

/** What is over is no more, but for whoever asks how it ended. */
export const foundOf = ({ ended, owner }: SessionView, lingers: boolean): Found => {
  if (ended === null || lingers) return { owner }
  return { owner, gone: ended.cause === "ttl" ? "expired" : "destroyed", cause: ended.cause }
}

/** Every way in which the inner parts can fail, as the caller reads it. */
export const told = (error: Failure | Problem): Problem => {
  if (error._tag === "LayerRefused") return problemOf(refusedOf(error))
  if (error._tag !== "SessionLost") return problemOf(error)
  return new Problem({
    status: 503,
    code: "session_lost",
    message: "The session's container could not be started or has been lost. Open another.",
    retryAfterSeconds: 2
  })
}

export const make = (memoryMbPerVcpu: number) =>
  Effect.gen(function* () {
    const table = yield* SessionTable
    const sessions = yield* Sessions
    const tickets = yield* ShellTickets
    const refusing = yield* Refusing.make
    const consenting = yield* Consent.make

    const find = (id: string) => (isSessionId(id) ? table.find(id) : Effect.succeed(Option.none<SessionView>()))

    /** D16, then D17: a stranger's session is no session. `lingers`: also one that is over. */
    const own = Effect.fnUntraced(function* (id: string, request: Request, lingers = false) {
      const { key } = (yield* Caller).key
      const sought = Refusing.looked(refusing, resourceKnown, find(id), key, request.method, request.url)
      const view = Option.getOrUndefined(yield* sought)
      const found = view === undefined ? undefined : foundOf(view, lingers)
      const known = resourceKnown.decide({ kind: "session", resource: id, actor: key, found })
      yield* refusing(known, key, request.method, request.url)
      if (view === undefined) return yield* unsettled
      const { owner, session: resource } = view
      const owning = resourceOwned.decide({ kind: "session", actor: key, resource, owner })
      return { view, owned: yield* refusing(owning, key, request.method, request.url) } satisfies Owned
    })

    /** D20. */
    const unlocked = ({ owned, view }: Owned, request: Request) => {
      const free = resourceUnlocked.decide({ kind: "session", resource: view.session, locked: view.locked })
      return refusing(free, owned.facts.actor, request.method, request.url)
    }

    /** To do to one of the caller's what cannot be undone. */
    const consented = (weight: Consent.Weight, { owner, session: resource }: SessionView, request: Request) =>
      Effect.flatMap(Asking.of(request), (asking) => consenting(weight, { kind: "session", resource, owner }, asking))

    /** D11 on what the body says. */
    const read = <A>(request: Request, judge: (fields: Fields) => Either.Either<A, Refused>) =>
      Effect.flatMap(Caller, ({ body, key }) => {
        const fields: Either.Either<Fields, Reason> = Normalise.object(body)
        const judged = Either.flatMap(Either.mapLeft(fields, requestWellformed.refuse), judge)
        return refusing(judged, key.key, request.method, request.url)
      })

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

    return { own, unlocked, consented, read, tell, view, refusing }
  })

export type SessionDesk = Effect.Effect.Success<ReturnType<typeof make>>
