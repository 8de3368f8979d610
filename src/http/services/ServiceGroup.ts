/** The services group: programs that stay, and everything that can be done with them. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"
import { ExecuteResult } from "../jobs/Execution.js"
import { Snapshot, SnapshotRequest } from "../snapshots/SnapshotShape.js"
import { act, changing, living, mine, Path, refusals } from "./ServiceEndpoints.js"
import * as Requests from "./ServiceRequests.js"
import * as Shape from "./ServiceShape.js"

const { optional } = Schema

const LogQuery = Schema.Struct({
  all: optional(Field.text("`true`: everything that is kept.", "true")),
  lines: optional(Field.text("At most so many lines, from the end. Default 9000.", "100")),
  follow: optional(Field.text("`true`: the lines to come, too, as server-sent events.", "true"))
})

const Events = HttpApiSchema.Text({ contentType: "text/event-stream" }).annotations({
  description: 'Each line as `data: {"source":…,"line":…}`, with a comment now and then.'
})

export class ServiceGroup extends living
  .add(
    act("redeploy", "/services/:id/redeploy")
      .setPayload(Requests.Redeploy)
      .annotateContext(
        Field.route(
          "Redeploy a service",
          "A fresh container runs its bootstrap on its root.",
          ...changing,
          "D06",
          "D07",
          ...Field.consented,
          "D11",
          "D13"
        )
      )
  )
  .add(
    act("resize", "/services/:id/resize")
      .setPayload(Requests.Resize)
      .annotateContext(
        Field.route("Resize a service", "The same as PATCH with `vcpu`.", ...changing, "D11", "D08", "D10")
      )
  )
  .add(
    HttpApiEndpoint.put("domains", "/services/:id/domains")
      .setPath(Path)
      .setPayload(Requests.SetDomains)
      .addSuccess(Shape.Changed)
      .addError(refusals)
      .annotateContext(
        Field.route("Set a service's domains", "All of them, or those to add and to remove.", ...changing, "D11", "D15")
      )
  )
  .add(
    HttpApiEndpoint.post("execute", "/services/:id/execute")
      .setPath(Path)
      .setPayload(Requests.ExecuteCommand)
      .addSuccess(ExecuteResult, { status: 202 })
      .addSuccess(ExecuteResult)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Run a command in a service",
          "Waits for its end; 200 for the client library, 202 with the same body otherwise. It is a job: GET /jobs/{id}.",
          ...([...mine, "D06", "D11", "D13", "D22", "D24", "D26"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.get("logs", "/services/:id/logs")
      .setPath(Path)
      .setUrlParams(LogQuery)
      .addSuccess(Shape.Logs)
      .addSuccess(Events)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "What a service printed",
          "With `Accept: text/event-stream` or `follow`, also what it is going to.",
          ...mine
        )
      )
  )
  .add(
    HttpApiEndpoint.post("snapshot", "/services/:id/snapshot")
      .setPath(Path)
      .setPayload(SnapshotRequest)
      .addSuccess(Snapshot)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Take a snapshot of a service",
          "The same as POST /snapshots with `service_id`.",
          ...([...mine, "D06", "D11", "D08", "D09", "D10", "D22", "D26"] as const)
        )
      )
  )
  .middleware(Signed)
  .annotate(OpenApi.Description, "Keep programs running.") {}
