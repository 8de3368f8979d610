/** The vault group: a service's environment variables, sealed at rest, told to nobody but their owner. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"
import { serviceFields } from "./ServiceShape.js"
import * as Shape from "./VaultShape.js"

const Path = Schema.Struct({ id: serviceFields.id })
const refusals = problems(400, 401, 403, 404, 408, 409, 410, 413, 428, 429, 503)
const mine = [...Field.signed, "D16", "D17"] as const
const changing = [...mine, "D20", "D11", "D22", "D26", ...Field.consented] as const

const Dotenv = HttpApiSchema.Text({ contentType: "text/plain" }).annotations({
  description: "Lines of NAME=VALUE, at most 64 KiB and 256 variables.",
  examples: ["GREETING=hi\n"]
})

const Variables = Schema.Struct({
  env: Schema.optional(
    Field.of(Shape.Variables, "Names and values, or names and where values may go; or text, as in a file.", {
      GREETING: "hi",
      TOKEN: { value: "a-secret", egress: ["api.example.com"] }
    })
  ),
  content: Schema.optional(Field.text("Lines of NAME=VALUE.", "GREETING=hi\n"))
}).annotations({ identifier: "VaultVariables" })

const Query = Schema.Struct({
  format: Schema.optional(Field.text("`export`: the values, as text.", "export"))
})

export class VaultGroup extends HttpApiGroup.make("vault")
  .add(
    HttpApiEndpoint.get("status", "/services/:id/env")
      .setPath(Path)
      .setUrlParams(Query)
      .addSuccess(Schema.Union(Shape.Vault, Shape.VaultExport))
      .addError(refusals)
      .annotateContext(
        Field.route(
          "What is in a vault",
          "Names, number, and where those that are marked may go; never values, unless `format` is `export`: then as an export.",
          ...mine
        )
      )
  )
  .add(
    HttpApiEndpoint.put("put", "/services/:id/env")
      .setPath(Path)
      .setPayload(Schema.Union(Dotenv, Variables))
      .addSuccess(Shape.VaultPut)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Fill a vault",
          "In the place of all that was in it; what starts from now on has them. What is marked stays so when it is put as text.",
          ...changing
        )
      )
  )
  .add(
    HttpApiEndpoint.post("post", "/services/:id/env")
      .setPath(Path)
      .setPayload(Variables)
      .addSuccess(Shape.VaultPut)
      .addError(refusals)
      .annotateContext(Field.route("Fill a vault", "The same as PUT.", ...changing))
  )
  .add(
    HttpApiEndpoint.del("delete", "/services/:id/env")
      .setPath(Path)
      .addSuccess(Shape.VaultDeleted)
      .addError(refusals)
      .annotateContext(Field.route("Empty a vault", "Or take the variables named in `keys` out of it.", ...changing))
  )
  .add(
    HttpApiEndpoint.post("export", "/services/:id/env/export")
      .setPath(Path)
      .addSuccess(Shape.VaultExport)
      .addError(refusals)
      .annotateContext(Field.route("Read a vault", "Its values, to nobody but the key that they belong to.", ...mine))
  )
  .middleware(Signed)
  .annotate(OpenApi.Description, "Secrets of services.") {}
