/** The sessions group: shells that stay, and everything that can be done with them. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"
import { Restored, RestoreRequest, Snapshot, SnapshotRequest } from "../snapshots/SnapshotShape.js"
import { known, living, Path, refusals } from "./SessionEndpoints.js"
import * as Shapes from "./SessionShapes.js"

export class SessionGroup extends living
  .add(
    HttpApiEndpoint.post("execute", "/sessions/:id/execute")
      .setPath(Path)
      .setPayload(Shapes.CommandRequest)
      .addSuccess(Shapes.Executed)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Run a command",
          "Beside the shell, in the same container.",
          ...([...known, "D06", "D11", "D22"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.post("shell", "/sessions/:id/shell")
      .setPath(Path)
      .setPayload(Shapes.CommandRequest)
      .addSuccess(Shapes.Executed)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Run a command",
          "The same as POST /sessions/{id}/execute.",
          ...([...known, "D06", "D11", "D22"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.post("snapshot", "/sessions/:id/snapshot")
      .setPath(Path)
      .setPayload(SnapshotRequest)
      .addSuccess(Snapshot)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Take a snapshot of a session",
          "The same as POST /snapshots with `session_id`.",
          ...([...known, "D06", "D11", "D08", "D09", "D10", "D22", "D26"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.post("restore", "/sessions/:id/restore")
      .setPath(Path)
      .setPayload(RestoreRequest)
      .addSuccess(Restored)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Put a snapshot back",
          "Its programs end, what it had written is replaced, and its shell starts again.",
          ...([...known, "D06", "D11", "D20", "D07", "D22", "D26", ...Field.consented] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.get("terminal", "/sessions/:id/shell")
      .setPath(Path)
      .addSuccess(Schema.Void, { status: 101 })
      .addError(problems(401, 404, 409, 410, 426, 429, 503))
      .annotateContext(
        Field.route(
          "Connect to the shell",
          "A WebSocket with the subprotocol `unsandbox-shell`: binary frames are what is typed and shown; " +
            '`{"type":"resize","cols":80,"rows":24}` sizes the terminal; `{"type":"exit"}` and `{"type":"detached"}` end it. ' +
            "`?since=N` shows again what came after N bytes. The upgrade needs no signature: the session's id is the " +
            "capability, or the ticket in `websocket_url` where the server demands one. Without an upgrade: 426.",
          ...([...known, "D02"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.get("recording", "/sessions/:id/recording")
      .setPath(Path)
      .addSuccess(HttpApiSchema.Text({ contentType: "application/x-asciicast" }))
      .addError(refusals)
      .annotateContext(
        Field.route("Download the recording", "asciicast v3, of a session that was opened with audit.", ...known)
      )
  )
  .middleware(Signed)
  .annotate(OpenApi.Description, "Shells that stay.") {}
