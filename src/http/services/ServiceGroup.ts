/** The services group: programs that stay, made, looked at, changed and ended. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"
import { ExecuteResult } from "../jobs/Execution.js"
import { problems } from "../Problem.js"
import { Snapshot, SnapshotRequest } from "../snapshots/SnapshotGroup.js"
import * as Shape from "./ServiceShape.js"

const { optional } = Schema
const Path = Schema.Struct({ id: Shape.serviceFields.id })
const refusals = problems(400, 401, 403, 404, 408, 409, 410, 413, 428, 429, 503)

const mine = [...Field.signed, "D16", "D17"] as const
const changing = [...mine, "D20", "D22", "D26"] as const

const LogQuery = Schema.Struct({
  all: optional(Field.text("`true`: everything that is kept.", "true")),
  lines: optional(Field.text("At most so many lines, from the end. Default 9000.", "100")),
  follow: optional(Field.text("`true`: the lines to come, too, as server-sent events.", "true"))
})

const Events = HttpApiSchema.Text({ contentType: "text/event-stream" }).annotations({
  description: 'Each line as `data: {"source":…,"line":…}`, with a comment now and then.'
})

const act = <const Name extends string, const Verb extends `/services/:id/${string}`>(name: Name, path: Verb) =>
  HttpApiEndpoint.post(name, path).setPath(Path).addSuccess(Shape.Changed).addError(refusals)

const made = HttpApiGroup.make("services")
  .add(
    HttpApiEndpoint.post("create", "/services")
      .setPayload(Shape.CreateService)
      .addSuccess(Shape.Service, { status: 201 })
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Make a service",
          "Answers once it is recorded; it starts in the background.",
          ...([
            ...Field.signed,
            "D06",
            "D11",
            "D08",
            "D15",
            "D13",
            "D14",
            "D09",
            "D18",
            "D07",
            "D26",
            "D10",
            "D23",
            "D24"
          ] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.get("list", "/services")
      .addSuccess(Shape.ServiceList)
      .addError(refusals)
      .annotateContext(Field.route("List your services", "Newest first, at most 1000.", ...Field.signed))
  )
  .add(
    HttpApiEndpoint.get("get", "/services/:id")
      .setPath(Path)
      .addSuccess(Shape.Service)
      .addError(refusals)
      .annotateContext(Field.route("Look at a service", "How it stands now.", ...mine))
  )
  .add(
    HttpApiEndpoint.patch("patch", "/services/:id")
      .setPath(Path)
      .setPayload(Shape.PatchService)
      .addSuccess(Shape.Changed)
      .addError(refusals)
      .annotateContext(
        Field.route("Change a service", "What is not named stays as it is.", ...changing, "D11", "D15", "D08", "D10")
      )
  )
  .add(
    HttpApiEndpoint.del("destroy", "/services/:id")
      .setPath(Path)
      .addSuccess(Shape.Destroyed)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Destroy a service",
          "Its container, root, log and vault are deleted; its history stays.",
          ...changing,
          ...Field.consented
        )
      )
  )
  .add(
    act("freeze", "/services/:id/freeze").annotateContext(
      Field.route(
        "Freeze a service",
        "Its processes stand still; after a while its memory is given back.",
        ...mine,
        "D22",
        "D26"
      )
    )
  )
  .add(
    act("unfreeze", "/services/:id/unfreeze").annotateContext(
      Field.route(
        "Unfreeze a service",
        "It goes on where it was, or starts from its root.",
        ...mine,
        "D07",
        "D10",
        "D22",
        "D26"
      )
    )
  )
  .add(
    act("lock", "/services/:id/lock").annotateContext(
      Field.route("Lock a service", "Nobody can change or destroy it until it is unlocked.", ...mine, "D22", "D26")
    )
  )
  .add(
    act("unlock", "/services/:id/unlock").annotateContext(
      Field.route(
        "Unlock a service",
        "It can be changed and destroyed again.",
        ...mine,
        "D22",
        "D26",
        ...Field.consented
      )
    )
  )

export class ServiceGroup extends made
  .add(
    act("redeploy", "/services/:id/redeploy")
      .setPayload(Shape.Redeploy)
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
      .setPayload(Shape.Resize)
      .annotateContext(
        Field.route("Resize a service", "The same as PATCH with `vcpu`.", ...changing, "D11", "D08", "D10")
      )
  )
  .add(
    HttpApiEndpoint.put("domains", "/services/:id/domains")
      .setPath(Path)
      .setPayload(Shape.SetDomains)
      .addSuccess(Shape.Changed)
      .addError(refusals)
      .annotateContext(
        Field.route("Set a service's domains", "All of them, or those to add and to remove.", ...changing, "D11", "D15")
      )
  )
  .add(
    HttpApiEndpoint.post("execute", "/services/:id/execute")
      .setPath(Path)
      .setPayload(Shape.ExecuteCommand)
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
