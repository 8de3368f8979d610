/** The snapshots group: what sessions and services had on their disks, kept, put back, cloned. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"
import * as Shape from "./SnapshotShape.js"

const Path = Schema.Struct({ id: Shape.id })

const known = [...Field.signed, "D16", "D17"] as const
const refusals = problems(400, 401, 403, 404, 408, 409, 410, 413, 428, 429, 500, 503)

const base = HttpApiGroup.make("snapshots")
  .add(
    HttpApiEndpoint.post("create", "/snapshots")
      .setPayload(Shape.CreateRequest)
      .addSuccess(Shape.Snapshot)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Take a snapshot",
          "Of what a session or service has written: /home/sandbox, /tmp and /srv. It is frozen meanwhile unless `hot`.",
          ...([...known, "D06", "D11", "D08", "D09", "D10", "D22", "D26"] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.get("list", "/snapshots")
      .addSuccess(Shape.SnapshotList)
      .addError(refusals)
      .annotateContext(Field.route("List your snapshots", "Newest first.", ...Field.signed, "D08"))
  )
  .add(
    HttpApiEndpoint.get("get", "/snapshots/:id")
      .setPath(Path)
      .addSuccess(Shape.Snapshot)
      .addError(refusals)
      .annotateContext(Field.route("Look at a snapshot", "What it is of, and how large.", ...known))
  )
  .add(
    HttpApiEndpoint.del("delete", "/snapshots/:id")
      .setPath(Path)
      .addSuccess(Shape.Deleted)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Delete a snapshot",
          "Images made of it keep their content.",
          ...known,
          "D20",
          "D22",
          "D26",
          ...Field.consented
        )
      )
  )

export class SnapshotGroup extends base
  .add(
    HttpApiEndpoint.post("lock", "/snapshots/:id/lock")
      .setPath(Path)
      .addSuccess(Shape.Locking)
      .addError(refusals)
      .annotateContext(
        Field.route("Lock a snapshot", "It cannot be deleted until it is unlocked.", ...known, "D22", "D26")
      )
  )
  .add(
    HttpApiEndpoint.post("unlock", "/snapshots/:id/unlock")
      .setPath(Path)
      .addSuccess(Shape.Locking)
      .addError(refusals)
      .annotateContext(
        Field.route("Unlock a snapshot", "It can be deleted again.", ...known, "D22", "D26", ...Field.consented)
      )
  )
  .add(
    HttpApiEndpoint.post("restore", "/snapshots/:id/restore")
      .setPath(Path)
      .addSuccess(Shape.Restored)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Put a snapshot back",
          "The session or service that it was taken of is stopped, gets all of its content in one step, and starts again.",
          ...([...known, "D06", "D20", "D07", "D10", "D22", "D26", ...Field.consented] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.post("clone", "/snapshots/:id/clone")
      .setPath(Path)
      .setPayload(Shape.CloneRequest)
      .addSuccess(Shape.Cloned)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Make a session or service of a snapshot",
          "A new one, which begins with the snapshot's content.",
          ...([...known, "D06", "D11", "D08", "D12", "D13", "D14", "D15", "D09", "D07", "D10", "D23", "D26"] as const)
        )
      )
  )
  .middleware(Signed)
  .annotate(OpenApi.Description, "Keep what sessions and services have written, and put it back.") {}
