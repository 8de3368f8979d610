/** The archives group: images that come from elsewhere. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { SignedByDigest } from "../Authentication.js"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"
import { Image } from "./ImageShape.js"

const { optional } = Schema

const Query = Schema.Struct({
  name: optional(Field.text("Its name.", "shop-base")),
  description: optional(Field.text("What it is for.", "nginx with our configuration")),
  visibility: optional(Field.text("`private`, `unlisted` or `public`. Default `private`.", "private")),
  partial: optional(Field.text("`1`: leave out what lies outside of home/sandbox, srv and tmp.", "1"))
})

const Headers = Schema.Struct({
  "x-content-sha256": Field.text("Hex SHA-256 of the body: it is signed instead of the body itself.", "0123abcd")
})

const Archive = HttpApiSchema.Uint8Array({ contentType: "application/x-tar" }).annotations({
  description: "An OCI image layout in a tar."
})

const Imported = Schema.Struct({
  ...Image.fields,
  skipped: Field.count("Entries that were left out.", 0)
}).annotations({ identifier: "ImportedImage" })

export class ArchiveGroup extends HttpApiGroup.make("archives")
  .add(
    HttpApiEndpoint.post("import", "/images/import")
      .setUrlParams(Query)
      .setHeaders(Headers)
      .setPayload(Archive)
      .addSuccess(Imported)
      .addError(problems(400, 401, 403, 408, 409, 413, 428, 429, 500, 503))
      .annotateContext(
        Field.route(
          "Bring an image from elsewhere",
          "An OCI image layout of one Linux image. It may be large: sign `timestamp:POST:path:X-Content-SHA256`.",
          ...([...Field.signed, "D06", "D11", "D08", "D09", "D13", "D10", "D22", "D26"] as const)
        )
      )
  )
  .middleware(SignedByDigest)
  .annotate(OpenApi.Description, "Bring images from elsewhere.") {}
