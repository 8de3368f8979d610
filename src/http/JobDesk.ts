/** Looks jobs up for those who may see them, and waits for their ends. */
import { type Duration, Effect, Option, Schema } from "effect"
import { Jobs } from "../../actors/job/Jobs.js"
import { JobId } from "../../events/Ids.js"
import type { Permit, Refused } from "../guards/Guard.js"
import { resourceKnown } from "../guards/ResourceKnown.js"
import { type Ownership, resourceOwned } from "../guards/ResourceOwned.js"
import type { LogUnavailable } from "../log/EventLog.js"
import { JobTable, type JobView } from "../projections/JobTable.js"
import { Blobs, type StoreUnavailable } from "../store/Blobs.js"
import type { Calling } from "./Authentication.js"
import type { JobState } from "./JobGroup.js"
import * as Outputs from "./Outputs.js"
import { Problem } from "./Problem.js"
import * as Refusing from "./Refusing.js"
import * as Result from "./Result.js"

export interface Owned {
  readonly view: JobView
  readonly owned: Permit<"D17", Ownership>
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

const isJobId = Schema.is(JobId)

export const make = Effect.gen(function* () {
  const jobs = yield* Jobs
  const table = yield* JobTable
  const refusing = yield* Refusing.make
  const outputs = Outputs.make(yield* Blobs)

  const find = (id: string) => (isJobId(id) ? table.find(id) : Effect.succeed(Option.none<JobView>()))

  /** D16, then D17: a stranger's job is no job. */
  const own = Effect.fnUntraced(function* (
    id: string,
    { key: { key } }: Calling,
    method: string,
    target: string
  ): Effect.fn.Return<Owned, Refused | LogUnavailable | Problem> {
    const found = Option.getOrUndefined(yield* find(id))
    yield* refusing(resourceKnown.decide({ kind: "job", resource: id, actor: key, found }), key, method, target)
    const owner = found?.owner ?? ""
    const owned = yield* refusing(resourceOwned.decide({ actor: key, resource: id, owner }), key, method, target)
    return found === undefined ? yield* unsettled : { view: found, owned }
  })

  const view = (id: JobId): Effect.Effect<JobView, LogUnavailable | Problem> =>
    Effect.flatMap(table.find(id), Option.match({ onNone: () => unsettled, onSome: Effect.succeed }))

  const state = (view: JobView): Effect.Effect<JobState, StoreUnavailable> =>
    view.finished === null
      ? Effect.succeed(Result.state(view, undefined))
      : Effect.map(outputs(view.finished), (ended) => Result.state(view, ended))

  /** How it stands when it has ended, or when the time is over. */
  const settled = (id: JobId, within: Duration.DurationInput) =>
    jobs.ended(id).pipe(Effect.timeoutOption(within), Effect.zipRight(view(id)))

  /** Its result; a job that has none after `within` is not answered for. */
  const ended = (id: JobId, within: Duration.DurationInput) =>
    Effect.flatMap(settled(id, within), (view): Effect.Effect<JobState, Problem | StoreUnavailable> => {
      if (view.finished === null) return unsettled
      return view.finished.cause === "no-capacity" ? neverRan : state(view)
    })

  return { own, view, state, settled, ended }
})
