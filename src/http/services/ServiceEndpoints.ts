/** Services made, looked at, changed and ended: the endpoints that ServiceGroup begins with. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Schema } from "effect"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"
import * as Requests from "./ServiceRequests.js"
import * as Shape from "./ServiceShape.js"

export const Path = Schema.Struct({ id: Shape.serviceFields.id })
export const refusals = problems(400, 401, 403, 404, 408, 409, 410, 413, 428, 429, 503)

export const mine = [...Field.signed, "D16", "D17"] as const
export const changing = [...mine, "D20", "D22", "D26"] as const

export const act = <const Name extends string, const Verb extends `/services/:id/${string}`>(name: Name, path: Verb) =>
  HttpApiEndpoint.post(name, path).setPath(Path).addSuccess(Shape.Changed).addError(refusals)

export const living = HttpApiGroup.make("services")
  .add(
    HttpApiEndpoint.post("create", "/services")
      .setPayload(Requests.CreateService)
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
      .setPayload(Requests.PatchService)
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
