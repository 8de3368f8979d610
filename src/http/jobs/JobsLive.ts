/** Jobs looked at, waited for and cancelled by those who own them. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Duration, Effect } from "effect"
import { Jobs } from "../../../actors/job/Jobs.js"
import { type JobStatus, JobTable } from "../../projections/JobTable.js"
import { Api } from "../Api.js"
import * as Asking from "../Asking.js"
import { Caller } from "../Authentication.js"
import * as Problem from "../Problem.js"
import * as Answer from "../wire/Answer.js"
import * as JobDesk from "./JobDesk.js"
import type { Cancelled } from "./JobGroup.js"
import * as Result from "./Result.js"

interface One {
  readonly path: { readonly id: string }
  readonly request: HttpServerRequest.HttpServerRequest
}

interface Filter {
  readonly limit?: number | undefined
  readonly status?: JobStatus | undefined
}

const usualList = 100
const usualWait = Duration.seconds(30)
/** A cancelled job's end is told with what it wrote, if that is there by then. */
const cancelledWithin = Duration.seconds(5)

const make = Effect.gen(function* () {
  const jobs = yield* Jobs
  const table = yield* JobTable
  const desk = yield* JobDesk.make

  const own = ({ path, request }: One) => Effect.flatMap(Asking.of(request), (asking) => desk.own(path.id, asking))

  const cancel = Effect.fnUntraced(function* (one: One) {
    const { owned, view } = yield* own(one)
    yield* jobs.cancel(owned)
    const after = yield* desk.settled(view.job, cancelledWithin)
    const { large, value } = yield* desk.state(after, one.request)
    const before = view.finished !== null
    const message = before ? `Job had already ended: ${after.status}` : "Job cancelled"
    const cancelled: Cancelled = { ...value, success: true, message }
    return Answer.told({ value: cancelled, large })
  }, Effect.mapError(Problem.of))

  const get = Effect.fnUntraced(function* (one: One) {
    const { view } = yield* own(one)
    return Answer.told(yield* desk.state(view, one.request))
  }, Effect.mapError(Problem.of))

  const wait = Effect.fnUntraced(function* (one: One, within: Duration.Duration) {
    const { view } = yield* own(one)
    const then = view.finished === null ? yield* desk.settled(view.job, within) : view
    return Answer.told(yield* desk.state(then, one.request))
  }, Effect.mapError(Problem.of))

  const list = Effect.fnUntraced(function* ({ limit = usualList, status }: Filter) {
    const { key } = yield* Caller
    const found = yield* table.list(key.key, { limit, status })
    return { jobs: found.map(Result.summary), count: found.length }
  }, Effect.mapError(Problem.of))

  return { cancel, get, list, wait }
})

export const JobsLive = HttpApiBuilder.group(Api, "jobs", (handlers) =>
  Effect.map(make, ({ cancel, get, list, wait }) =>
    handlers
      .handle("list", ({ urlParams }) => list(urlParams))
      .handleRaw("get", get)
      .handleRaw("cancel", cancel)
      .handleRaw("cancelAlias", cancel)
      .handleRaw("wait", (one) =>
        wait(one, one.urlParams.timeout === undefined ? usualWait : Duration.seconds(one.urlParams.timeout))
      )
  )
)
