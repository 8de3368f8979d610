/** The jobs group: what became of programs, and how to end them. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"
import { endFields, jobFields } from "./Execution.js"

const { optional } = Schema
const Path = Schema.Struct({ id: jobFields.job_id })

/** A job that has not ended has none of the fields that tell its end. */
export const JobState = Schema.Struct(jobFields)
  .pipe(Schema.extend(Schema.partial(Schema.Struct(endFields))))
  .annotations({ identifier: "Job", description: "A job as it stands, with its result once it has ended." })
export type JobState = typeof JobState.Type

export const JobSummary = Schema.Struct({
  ...jobFields,
  error: Field.text("Why it did not succeed; empty otherwise.", ""),
  exit_code: optional(endFields.exit_code)
}).annotations({ identifier: "JobSummary" })
export type JobSummary = typeof JobSummary.Type

const JobList = Schema.Struct({
  jobs: Schema.Array(JobSummary).annotations({ description: "Newest first." }),
  count: Field.count("How many are listed.", 1)
}).annotations({ identifier: "JobList" })

const { success: _, ...partialEnd } = endFields
const Cancelled = Schema.Struct({
  ...jobFields,
  success: Field.flag("The job has ended.", true),
  message: Field.text("For people.", "Job cancelled")
})
  .pipe(Schema.extend(Schema.partial(Schema.Struct(partialEnd))))
  .annotations({ identifier: "CancelResponse" })
export type Cancelled = typeof Cancelled.Type

const Listing = Schema.Struct({
  limit: optional(
    Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 1_000)).annotations({
      description: "At most this many, 1 to 1000. Default 100."
    })
  ),
  status: optional(
    Schema.Literal("pending", "running", "completed", "failed", "timeout", "cancelled").annotations({
      description: "Only jobs that stand so."
    })
  )
})

const Waiting = Schema.Struct({
  timeout: optional(
    Schema.NumberFromString.pipe(Schema.between(0, 60)).annotations({
      description: "Seconds to wait for the end, 0 to 60. Default 30."
    })
  )
})

const known = [...Field.signed, "D16", "D17"] as const
const refusals = problems(400, 401, 403, 404, 408, 409, 413, 429, 503)

export class JobGroup extends HttpApiGroup.make("jobs")
  .add(
    HttpApiEndpoint.get("list", "/jobs")
      .setUrlParams(Listing)
      .addSuccess(JobList)
      .addError(refusals)
      .annotateContext(Field.route("List your jobs", "Newest first, running and ended.", ...Field.signed))
  )
  .add(
    HttpApiEndpoint.get("get", "/jobs/:id")
      .setPath(Path)
      .addSuccess(JobState)
      .addError(refusals)
      .annotateContext(Field.route("Look at a job", "Its state, and its result once it has ended.", ...known))
  )
  .add(
    HttpApiEndpoint.del("cancel", "/jobs/:id")
      .setPath(Path)
      .addSuccess(Cancelled)
      .addError(refusals)
      .annotateContext(
        Field.route("Cancel a job", "Its container is destroyed; what it wrote is kept.", ...known, "D22", "D26")
      )
  )
  .add(
    HttpApiEndpoint.post("cancelAlias", "/jobs/:id/cancel")
      .setPath(Path)
      .addSuccess(Cancelled)
      .addError(refusals)
      .annotateContext(Field.route("Cancel a job", "The same as DELETE /jobs/{id}.", ...known, "D22", "D26"))
  )
  .add(
    HttpApiEndpoint.get("wait", "/jobs/:id/wait")
      .setPath(Path)
      .setUrlParams(Waiting)
      .addSuccess(JobState)
      .addError(refusals)
      .annotateContext(
        Field.route("Wait for a job", "Answers when it has ended, or how it stands when the time is over.", ...known)
      )
  )
  .middleware(Signed)
  .annotate(OpenApi.Description, "Follow programs and end them.") {}
