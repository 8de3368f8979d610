/** Programs to run: what comes in becomes a submission, what came of it an answer. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect, Either } from "effect"
import { Jobs, type Outcome, type Submission, type Ticket } from "../../actors/job/Jobs.js"
import { JobTable } from "../projections/JobTable.js"
import * as Answer from "./Answer.js"
import { Api } from "./Api.js"
import { Caller } from "./Authentication.js"
import * as Intake from "./Intake.js"
import * as JobDesk from "./JobDesk.js"
import * as Normalise from "./Normalise.js"
import * as Problem from "./Problem.js"
import * as Refusing from "./Refusing.js"
import * as Reservations from "./Reservations.js"
import * as Result from "./Result.js"

type Request = HttpServerRequest.HttpServerRequest

interface Route {
  readonly read: (request: Request, body: Buffer) => ReturnType<typeof Normalise.run>
  /** The program's text may name its language. */
  readonly detects: boolean
  readonly awaited: boolean
}

const execute = {
  read: (_: Request, body: Buffer) => Either.map(Normalise.object(body), Normalise.order),
  detects: false
}
const run = {
  read: (request: Request, body: Buffer) => Normalise.run(request.url, request.headers["content-type"], body),
  detects: true
}

const again = { "idempotency-replayed": "true" }

/** Longer than a program may run and wait for its container. */
const longestReplay = "20 minutes"

const aboutOf = (submission: Submission, ticket: Ticket, outcome?: Outcome): Result.About => ({
  job: ticket.job,
  language: submission.runnable.facts.language,
  detected: submission.detected,
  network: submission.network.facts.mode,
  createdAt: ticket.createdAt,
  startedAt: outcome?.startedAt ?? null,
  completedAt: outcome?.completedAt ?? null
})

const make = Effect.gen(function* () {
  const jobs = yield* Jobs
  const refusing = yield* Refusing.make
  const intake = yield* Intake.make
  const desk = yield* JobDesk.make
  const reservations = Reservations.make(yield* JobTable)

  /** The actor bounds how long an outcome takes: the program's ttl and the time in the pool's queue. */
  const first = (submission: Submission, ticket: Ticket) =>
    submission.awaited
      ? Effect.map(ticket.outcome, (outcome) =>
          Answer.json(Result.result(aboutOf(submission, ticket, outcome), { ...outcome, expired: false }))
        )
      : Effect.succeed(Answer.json(Result.accepted(aboutOf(submission, ticket), "pending"), 202))

  const replay = (job: Ticket["job"], awaited: boolean) =>
    awaited
      ? Effect.map(desk.ended(job, longestReplay), (state) => Answer.json(state, 200, again))
      : Effect.map(desk.view(job), (view) => Answer.json(Result.accepted(view, view.status), 202, again))

  const handle = ({ awaited, detects, read }: Route) =>
    Effect.fnUntraced(function* ({ request }: { readonly request: Request }) {
      const { body, key, trace } = yield* Caller
      const owner = key.key
      const once = yield* Reservations.reserved(request.headers["idempotency-key"], owner, request.url, body)
      const judged = intake.judge(read(request, body), detects)
      const permits = yield* refusing(judged, owner, request.method, request.url)
      const submission: Submission = { ...permits, owner, awaited, idempotency: once, trace }
      if (once === null) return yield* first(submission, yield* jobs.submit(submission))
      const settled = yield* reservations.once(owner, once, jobs.submit(submission))
      return yield* settled._tag === "First" ? first(submission, settled.value) : replay(settled.job, awaited)
    }, Effect.mapError(Problem.of))

  return {
    execute: handle({ ...execute, awaited: true }),
    executeAsync: handle({ ...execute, awaited: false }),
    run: handle({ ...run, awaited: true }),
    runAsync: handle({ ...run, awaited: false })
  }
})

export const ExecutionLive = HttpApiBuilder.group(Api, "execution", (handlers) =>
  Effect.map(make, ({ execute, executeAsync, run, runAsync }) =>
    handlers
      .handleRaw("execute", execute)
      .handleRaw("executeAsync", executeAsync)
      .handleRaw("run", run)
      .handleRaw("runAsync", runAsync)
  )
)
