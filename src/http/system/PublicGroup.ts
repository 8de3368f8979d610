/** The public group: what anybody may ask. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"

const Health = Schema.Struct({
  status: Field.of(Schema.Literal("ok"), "A real command ran through the warm pool just now.", "ok"),
  check_ms: Field.number("How long that took.", 4.1)
}).annotations({ identifier: "Health" })

const Languages = Schema.Struct({
  languages: Schema.Array(Schema.String).annotations({ description: "Ids that can be run here." }),
  aliases: Schema.Record({ key: Schema.String, value: Schema.String }).annotations({
    description: "Other names → id."
  }),
  count: Field.count("How many ids.", 42),
  details: Schema.Array(
    Schema.Struct({
      id: Field.text("The id.", "cpp"),
      name: Field.text("For people.", "C++"),
      aliases: Schema.Array(Schema.String),
      extensions: Schema.Array(Schema.String),
      compiled: Field.flag("It is compiled before it runs.", true),
      artifact: Field.flag("Its binary can be returned.", true),
      wasm: Field.flag("It can be compiled to WebAssembly here.", false)
    })
  ).annotations({ description: "One for each id." })
}).annotations({ identifier: "Languages" })

export class Public extends HttpApiGroup.make("public")
  .add(
    HttpApiEndpoint.get("health", "/health")
      .addSuccess(Health)
      .addError(problems(503))
      .annotateContext(
        Field.route(
          "Is it well?",
          "Runs a real command at most every few seconds; 503 when that fails. HEAD works too."
        )
      )
  )
  .add(
    HttpApiEndpoint.get("languages", "/languages")
      .addSuccess(Languages)
      .annotateContext(Field.route("What can be run", "Only languages whose toolchain is in the image."))
  )
  .add(
    HttpApiEndpoint.get("openapi", "/openapi")
      .addSuccess(Schema.Unknown)
      .annotateContext(Field.route("This document", "OpenAPI 3.1, made from the definition that the server runs."))
  )
  .add(
    HttpApiEndpoint.get("docs", "/docs")
      .addSuccess(HttpApiSchema.Text({ contentType: "text/html" }))
      .annotateContext(Field.route("This document, to read", "One page that loads nothing from elsewhere."))
  )
  .add(
    HttpApiEndpoint.get("extend", "/keys/extend")
      .setUrlParams(Schema.Struct({ pk: Schema.optional(Field.text("The key.", "unsb-pk-test-0000-0000-0001")) }))
      .addSuccess(HttpApiSchema.Text({ contentType: "text/html" }))
      .annotateContext(
        Field.route("How to extend a key", "The page that clients name when a key has expired. It looks no key up.")
      )
  )
  .annotate(OpenApi.Description, "Needs no key.") {}
