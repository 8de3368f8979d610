/** Sessions opened, looked at, changed and ended: the endpoints that SessionGroup begins with. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import { Schema } from "effect"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"
import * as Shapes from "./SessionShapes.js"

export const Path = Schema.Struct({ id: Field.text("The session.", Shapes.ID) })
const optional = Schema.optional

const Audited = Schema.Struct({
  audit: optional(Field.text("`1` records what the terminal shows, `input` also what is typed.", "1"))
})

const Listing = Schema.Struct({
  limit: optional(
    Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 1_000)).annotations({
      description: "At most this many, 1 to 1000. Default 100."
    })
  ),
  all: optional(Field.text("`1` lists those that are over, too.", "1"))
})

export const known = [...Field.signed, "D16", "D17"] as const
export const refusals = problems(400, 401, 403, 404, 408, 409, 410, 413, 428, 429, 503)

export const living = HttpApiGroup.make("sessions")
  .add(
    HttpApiEndpoint.post("open", "/sessions")
      .setUrlParams(Audited)
      .setPayload(Shapes.OpenRequest)
      .addSuccess(Shapes.Session)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Open a session",
          "Answers when its shell runs; connect to `websocket_url` then.",
          ...([...Field.signed, "D06", "D11", "D08", "D12", "D13", "D14", "D07", "D10", "D23", "D26"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.get("list", "/sessions")
      .setUrlParams(Listing)
      .addSuccess(Shapes.SessionList)
      .addError(refusals)
      .annotateContext(Field.route("List your sessions", "Newest first.", ...Field.signed))
  )
  .add(
    HttpApiEndpoint.get("get", "/sessions/:id")
      .setPath(Path)
      .addSuccess(Shapes.Session)
      .addError(refusals)
      .annotateContext(Field.route("Look at a session", "As it stands.", ...known))
  )
  .add(
    HttpApiEndpoint.del("delete", "/sessions/:id")
      .setPath(Path)
      .setUrlParams(Audited)
      .addSuccess(Shapes.Terminated)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "End a session",
          "Its container and all that was written in it are gone when this answers; a recording comes with the answer.",
          ...([...known, "D20", "D22", "D26", ...Field.consented] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.post("freeze", "/sessions/:id/freeze")
      .setPath(Path)
      .addSuccess(Shapes.Session)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Freeze a session",
          "Its programs stand still until it is unfrozen. Only with a multiplexer; 400 without.",
          ...([...known, "D22", "D26"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.post("unfreeze", "/sessions/:id/unfreeze")
      .setPath(Path)
      .addSuccess(Shapes.Unfrozen)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Unfreeze a session",
          "Its programs go on; after a deep freeze it starts anew from what it had written.",
          ...([...known, "D22", "D07", "D10", "D26"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.post("boost", "/sessions/:id/boost")
      .setPath(Path)
      .setPayload(Shapes.BoostRequest)
      .addSuccess(Shapes.Boosted)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Boost a session",
          "More vCPUs, with 2 GB each, while it runs.",
          ...([...known, "D11", "D08", "D22", "D07", "D10", "D23", "D26"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.post("unboost", "/sessions/:id/unboost")
      .setPath(Path)
      .addSuccess(Shapes.Boosted)
      .addError(refusals)
      .annotateContext(
        Field.route("Unboost a session", "Back to what it was opened with.", ...([...known, "D22", "D26"] as const))
      )
  )
  .add(
    HttpApiEndpoint.post("lock", "/sessions/:id/lock")
      .setPath(Path)
      .addSuccess(Shapes.Session)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Lock a session",
          "Nobody deletes or restores it until it is unlocked.",
          ...([...known, "D26"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.post("unlock", "/sessions/:id/unlock")
      .setPath(Path)
      .addSuccess(Shapes.Session)
      .addError(refusals)
      .annotateContext(
        Field.route("Unlock a session", "It may be deleted again.", ...([...known, "D26", ...Field.consented] as const))
      )
  )
  .add(
    HttpApiEndpoint.post("extend", "/sessions/:id/extend")
      .setPath(Path)
      .setPayload(Shapes.ExtendRequest)
      .addSuccess(Shapes.Session)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Extend a session",
          "From now on it has `ttl` seconds.",
          ...([...known, "D11", "D22", "D26"] as const)
        )
      )
  )
