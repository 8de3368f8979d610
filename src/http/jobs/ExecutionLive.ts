/** Programs to run: what comes in becomes a submission, what came of it an answer. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect, Either } from "effect"
import { Jobs, type Outcome, type Submission, type Ticket } from "../../../actors/job/Jobs.js"
import { JobTable } from "../../projections/JobTable.js"
import { Api } from "../Api.js"
import { Caller } from "../Authentication.js"
import * as Normalise from "../Normalise.js"
import * as Problem from "../Problem.js"
import * as Refusing from "../Refusing.js"
import * as Answer from "../wire/Answer.js"
import { AnswerRoom } from "../wire/AnswerRoom.js"
import * as Large from "../wire/Large.js"
import * as Intake from "./Intake.js"
import * as JobDesk from "./JobDesk.js"
import * as Outputs from "./Outputs.js"
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
  const room = yield* AnswerRoom
  const reservations = Reservations.make(yield* JobTable)

  /** The actor bounds how long an outcome takes: the program's ttl and the time in the pool's queue. */
  const result = Effect.fnUntraced(function* (submission: Submission, ticket: Ticket, request: Request) {
    const outcome = yield* ticket.outcome
    yield* room.hold(request, submission.owner, Outputs.weight(outcome.finished))
    const large = Large.make()
    const value = Result.result(aboutOf(submission, ticket, outcome), Outputs.ofOutcome(outcome, large))
    return Answer.told({ value, large })
  })

  const first = (submission: Submission, ticket: Ticket, request: Request) =>
    submission.awaited
      ? result(submission, ticket, request)
      : Effect.succeed(Answer.json(Result.accepted(aboutOf(submission, ticket), "pending"), 202))

  const replay = (job: Ticket["job"], awaited: boolean, request: Request) =>
    awaited
      ? Effect.map(desk.ended(job, longestReplay, request), (state) => Answer.told(state, 200, again))
      : Effect.map(desk.view(job), (view) => Answer.json(Result.accepted(view, view.status), 202, again))

  const handle = ({ awaited, detects, read }: Route) =>
    Effect.fnUntraced(function* ({ request }: { readonly request: Request }) {
      const { body, key, trace } = yield* Caller
      const owner = key.key
      const once = yield* Reservations.reserved(request.headers["idempotency-key"], owner, request.url, body)
      const judged = intake.judge(read(request, body), detects, key)
      const permits = yield* refusing(judged, owner, request.method, request.url)
      const submission: Submission = { ...permits, owner, awaited, idempotency: once, trace }
      if (once === null) return yield* first(submission, yield* jobs.submit(submission), request)
      const settled = yield* reservations.once(owner, once, jobs.submit(submission))
      if (settled._tag === "First") return yield* first(submission, settled.value, request)
      return yield* replay(settled.job, awaited, request)
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
