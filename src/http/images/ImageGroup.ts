/** The images group: contents with a name, to share and to start services from. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as OpenApi from "@effect/platform/OpenApi"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"
import { known, Path, refusals, sharing } from "./ImageEndpoints.js"
import * as Shape from "./ImageShape.js"

export class ImageGroup extends sharing
  .add(
    HttpApiEndpoint.post("transfer", "/images/:id/transfer")
      .setPath(Path)
      .setPayload(Shape.TransferRequest)
      .addSuccess(Shape.Transferred)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Give it to another key",
          "It is theirs from then on.",
          ...([...known, "D01", "D20", "D22", "D26", ...Field.consented] as const)
        )
      )
  )
  .add(
    HttpApiEndpoint.post("lock", "/images/:id/lock")
      .setPath(Path)
      .addSuccess(Shape.Locking)
      .addError(refusals)
      .annotateContext(Field.route("Lock an image", "It cannot be deleted or given away.", ...known, "D22", "D26"))
  )
  .add(
    HttpApiEndpoint.post("unlock", "/images/:id/unlock")
      .setPath(Path)
      .addSuccess(Shape.Locking)
      .addError(refusals)
      .annotateContext(
        Field.route("Unlock an image", "It can be deleted again.", ...known, "D22", "D26", ...Field.consented)
      )
  )
  .add(
    HttpApiEndpoint.del("delete", "/images/:id")
      .setPath(Path)
      .addSuccess(Shape.Deleted)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Delete an image",
          "Services and images made of it keep their content.",
          ...([...known, "D20", "D22", "D26", ...Field.consented] as const)
        )
      )
  )
  .middleware(Signed)
  .annotate(OpenApi.Description, "Name what a service is made of, share it, and start others from it.") {}
