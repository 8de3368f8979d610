/** Logs read and followed by those whose resources they are about. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Clock, Effect, Either } from "effect"
import type { Reason } from "../../guards/Guard.js"
import { requestWellformed } from "../../guards/RequestWellformed.js"
import { resourceKnown } from "../../guards/ResourceKnown.js"
import { resourceOwned } from "../../guards/ResourceOwned.js"
import { sources } from "../../projections/LogLine.js"
import { type Line, LogLines } from "../../projections/LogLines.js"
import { Api } from "../Api.js"
import * as Asking from "../Asking.js"
import { Caller } from "../Authentication.js"
import * as Normalise from "../Normalise.js"
import * as Problem from "../Problem.js"
import * as Standing from "../Standing.js"
import * as Answer from "../wire/Answer.js"
import * as LogQuery from "./LogQuery.js"
import * as LogStream from "./LogStream.js"
import * as Seats from "./Seats.js"

type Request = HttpServerRequest.HttpServerRequest
type Fields = Normalise.Fields

/** Without `since` a look goes back this far. */
const usualMillis = 5 * 60_000

const operators = resourceOwned.refuse({
  code: "operator_required",
  message: "A pool's log is about everybody's containers: only an operator reads it, with `unsandbox events tail`.",
  status: 403
})

const named = (wanted: LogQuery.Wanted): ReadonlyArray<string> => {
  if (wanted === "all") return sources
  return typeof wanted === "string" ? [wanted] : []
}

/** Of one source, lines are texts; of several, each says its own. */
const listed = (lines: ReadonlyArray<Line>, wanted: LogQuery.Wanted, plain: boolean) => {
  const logs = lines.map(LogStream.told)
  return { logs, lines: plain ? logs.map(({ line }) => line) : logs, sources: named(wanted), count: logs.length }
}

const make = Effect.gen(function* () {
  const table = yield* LogLines
  const inGoodStanding = yield* Standing.make
  const guarding = yield* Asking.make
  const seats = Seats.make()

  /** D11 and D16 on what is asked for, D17 on whose it is: without an operator's, what is not a key's own is refused. */
  const asked = Effect.fnUntraced(function* (request: Request, fields: Either.Either<Fields, Reason>) {
    const asking = yield* Asking.of(request)
    const now = yield* Clock.currentTimeMillis
    const query = Either.flatMap(fields, (given) => LogQuery.read(given, now))
    const judged = Either.mapLeft(query, (reason) =>
      reason.status === 404 ? resourceKnown.refuse(reason) : requestWellformed.refuse(reason)
    )
    const owned = Either.filterOrLeft(
      judged,
      ({ wanted }) => typeof wanted === "string",
      () => operators
    )
    return { owner: asking.caller.key.key, now, query: yield* guarding.judge(owned, asking) }
  })

  const look = Effect.fnUntraced(function* (request: Request, fields: Either.Either<Fields, Reason>, portal: boolean) {
    const { now, owner, query } = yield* asked(request, fields)
    const since = (query.sinceMillis ?? now - usualMillis) * 1_000
    const lines = yield* table.last(owner, query.filter, since, query.lines)
    return Answer.json(listed(lines, query.wanted, portal && query.wanted !== "all"))
  }, Effect.mapError(Problem.of))

  const follow = Effect.fnUntraced(function* (request: Request, fields: Fields) {
    const { now, owner, query } = yield* asked(request, Either.right(fields))
    yield* seats.take(request, owner)
    const from = yield* table.before(owner, (query.sinceMillis ?? now + 1) * 1_000)
    return yield* LogStream.follow(table, { owner, filter: query.filter, from, allowed: inGoodStanding(owner) })
  }, Effect.mapError(Problem.of))

  return { look, follow }
})

const query = ({ url }: Request): Fields => LogQuery.fieldsOf(url)

export const LogsLive = HttpApiBuilder.group(Api, "logs", (handlers) =>
  Effect.map(make, ({ follow, look }) => {
    const all = (request: Request) => look(request, Either.right(query(request)), false)
    const live = (request: Request) => follow(request, query(request))
    const one = (request: Request, source: string) => look(request, Either.right({ ...query(request), source }), true)
    const liveOne = (request: Request, source: string) => follow(request, { ...query(request), source })
    return handlers
      .handleRaw("logs", ({ request }) => all(request))
      .handleRaw("stream", ({ request }) => live(request))
      .handleRaw("paas", ({ request }) => all(request))
      .handleRaw("paasPosted", ({ request }) =>
        Effect.flatMap(Caller, ({ body }) => look(request, Normalise.object(body), false))
      )
      .handleRaw("paasStream", ({ request }) => live(request))
      .handleRaw("one", ({ path, request }) => one(request, path.source))
      .handleRaw("oneStream", ({ path, request }) => liveOne(request, path.source))
      .handleRaw("pool", ({ path, request }) => one(request, `pool/${path.node}`))
      .handleRaw("poolStream", ({ path, request }) => liveOne(request, `pool/${path.node}`))
  })
)
