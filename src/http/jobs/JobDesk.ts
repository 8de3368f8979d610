/** Looks jobs up for those who may see them, and waits for their ends. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { type Duration, Effect, Option, Schema } from "effect"
import { Jobs } from "../../../actors/job/Jobs.js"
import { JobId } from "../../../events/Ids.js"
import type { Found } from "../../guards/ResourceKnown.js"
import type { LogUnavailable } from "../../log/EventLog.js"
import { JobTable, type JobView } from "../../projections/JobTable.js"
import { Blobs, type StoreUnavailable } from "../../store/Blobs.js"
import * as Asking from "../Asking.js"
import { Problem } from "../Problem.js"
import type { Told } from "../wire/Answer.js"
import { AnswerRoom } from "../wire/AnswerRoom.js"
import * as Large from "../wire/Large.js"
import type { JobState } from "./JobGroup.js"
import * as Outputs from "./Outputs.js"
import * as Result from "./Result.js"

/** A job as it stands, with its long texts named by words. */
interface Stated extends Told {
  readonly value: JobState
}

/** It was accepted and is neither here nor ended: recovery has yet to settle it. */
const unsettled = new Problem({
  status: 503,
  code: "job_unsettled",
  message: "The job's end is not known yet. Ask again shortly.",
  retryAfterSeconds: 2
})

const neverRan = new Problem({
  status: 503,
  code: "no_capacity",
  message: "No container was free in time, so nothing was run. Send it again.",
  retryAfterSeconds: 2
})

const found = ({ owner }: JobView): Found => ({ owner })

export const make = Effect.gen(function* () {
  const jobs = yield* Jobs
  const table = yield* JobTable
  const guarding = yield* Asking.make
  const room = yield* AnswerRoom
  const stored = Outputs.stored(yield* Blobs)

  const findable = { kind: "job", isId: Schema.is(JobId), find: table.find, found } as const
  const own = (id: string, asking: Asking.Asking) => guarding.own(findable, id, asking)

  const view = (id: JobId): Effect.Effect<JobView, LogUnavailable | Problem> =>
    Effect.flatMap(table.find(id), Option.match({ onNone: () => unsettled, onSome: Effect.succeed }))

  /** Once there is room for it on this line. */
  const state = (
    view: JobView,
    request: HttpServerRequest.HttpServerRequest
  ): Effect.Effect<Stated, StoreUnavailable | Problem> => {
    const large = Large.make()
    const { finished, owner } = view
    if (finished === null) return Effect.succeed({ value: Result.state(view, undefined), large })
    return Effect.zipRight(
      room.hold(request, owner, Outputs.weight(finished)),
      Effect.map(stored(finished, large), (ended) => ({ value: Result.state(view, ended), large }))
    )
  }

  /** How it stands when it has ended, or when the time is over. */
  const settled = (id: JobId, within: Duration.DurationInput) =>
    jobs.ended(id).pipe(Effect.timeoutOption(within), Effect.zipRight(view(id)))

  /** Its result; a job that has none after `within` is not answered for. */
  const ended = (id: JobId, within: Duration.DurationInput, request: HttpServerRequest.HttpServerRequest) =>
    Effect.flatMap(settled(id, within), (view): Effect.Effect<Stated, Problem | StoreUnavailable> => {
      if (view.finished === null) return unsettled
      return view.finished.cause === "no-capacity" ? neverRan : state(view, request)
    })

  return { own, view, state, settled, ended }
})
