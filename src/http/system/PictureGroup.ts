/** The pictures group: clients know a call that draws a picture from words; this server has nothing that could. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"

const Prompt = Schema.Struct({ prompt: Field.text("What to draw.", "a lighthouse") })

export class PictureGroup extends HttpApiGroup.make("pictures")
  .add(
    HttpApiEndpoint.post("draw", "/image")
      .setPayload(Prompt)
      .addError(problems(400, 401, 403, 408, 413, 501, 503))
      .annotateContext(
        Field.route("Draw a picture", "Always 501: this server has no model that draws.", ...Field.signed)
      )
  )
  .middleware(Signed)
  .annotate(OpenApi.Description, "Not done here.") {}
