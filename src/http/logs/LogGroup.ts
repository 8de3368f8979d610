/** The logs group: what happened to a caller's own resources, as lines. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"

const { optional } = Schema

const narrowing = {
  lines: optional(Field.text("At most this many, the last ones, 1 to 9000. Default 100.", "100")),
  since: optional(Field.text("From then on: a time ago such as `30s`, `5m`, `2h`, `1d`, or ISO 8601.", "5m")),
  grep: optional(Field.text("Only lines with this text, whatever its case.", "failed")),
  level: optional(Field.text("This and above: `debug`, `info`, `warn`, `error`.", "warn"))
}

const Asked = Schema.Struct({
  source: optional(Field.text("`all`, `api`, `portal`, or `pool/NODE` (operators).", "all")),
  ...narrowing
})
const Narrowing = Schema.Struct(narrowing)
const Source = Schema.Struct({ source: Field.text("`all`, `api` or `portal`.", "all") })
const Node = Schema.Struct({ node: Field.text("The pool's host.", "cammy") })

const Line = Schema.Struct({
  source: Field.text("Where it is from.", "api"),
  line: Field.text(
    "Time, level, what happened.",
    "2026-01-18T09:30:00.000Z INFO job unsb-job-… accepted language=bash"
  ),
  timestamp: Field.time("When"),
  level: Field.text("`debug`, `info`, `warn` or `error`.", "info")
}).annotations({ identifier: "LogLine" })

const sources = Schema.Array(Schema.String).annotations({ description: "What these lines are from." })
const count = Field.count("How many lines.", 2)

const Logs = Schema.Struct({ logs: Schema.Array(Line), lines: Schema.Array(Line), sources, count }).annotations({
  identifier: "Logs",
  description: "Oldest first. `lines` is the same as `logs`."
})
const OneLog = Schema.Struct({
  logs: Schema.Array(Line),
  lines: Schema.Array(Schema.String),
  sources,
  count
}).annotations({ identifier: "LogOfOneSource", description: "Oldest first. Of `all`, `lines` is the same as `logs`." })

const Events = HttpApiSchema.Text({ contentType: "text/event-stream" }).annotations({
  description: 'Server-sent events, `data: {"source":…,"line":…}`; a comment `:keepalive` where nothing happens.'
})

const refusals = problems(400, 401, 403, 404, 408, 413, 503)
const points = [...Field.signed, "D11", "D16", "D17"] as const

const told = (summary: string, more: string) =>
  Field.route(summary, `Lines about your own resources. ${more}`.trim(), ...points)
const live = (more = "") =>
  told("Follow the log", `From now on, or from \`since\`, as they come; \`lines\` means nothing here. ${more}`)

export class LogGroup extends HttpApiGroup.make("logs")
  .add(
    HttpApiEndpoint.get("logs", "/logs")
      .setUrlParams(Asked)
      .addSuccess(Logs)
      .addError(refusals)
      .annotateContext(told("Read the log", ""))
  )
  .add(
    HttpApiEndpoint.get("stream", "/logs/stream")
      .setUrlParams(Asked)
      .addSuccess(Events)
      .addError(refusals)
      .annotateContext(live())
  )
  .add(
    HttpApiEndpoint.get("paas", "/paas/logs")
      .setUrlParams(Asked)
      .addSuccess(Logs)
      .addError(refusals)
      .annotateContext(told("Read the log", "The same as GET /logs."))
  )
  .add(
    HttpApiEndpoint.post("paasPosted", "/paas/logs")
      .setPayload(Asked)
      .addSuccess(Logs)
      .addError(refusals)
      .annotateContext(told("Read the log", "The same as GET /logs, with its parameters in the body."))
  )
  .add(
    HttpApiEndpoint.get("paasStream", "/paas/logs/stream")
      .setUrlParams(Asked)
      .addSuccess(Events)
      .addError(refusals)
      .annotateContext(live("The same as GET /logs/stream."))
  )
  .add(
    HttpApiEndpoint.get("one", "/logs/:source")
      .setPath(Source)
      .setUrlParams(Narrowing)
      .addSuccess(OneLog)
      .addError(refusals)
      .annotateContext(told("Read one log", "As the portal has it."))
  )
  .add(
    HttpApiEndpoint.get("oneStream", "/logs/:source/stream")
      .setPath(Source)
      .setUrlParams(Narrowing)
      .addSuccess(Events)
      .addError(refusals)
      .annotateContext(live())
  )
  .add(
    HttpApiEndpoint.get("pool", "/logs/pool/:node")
      .setPath(Node)
      .setUrlParams(Narrowing)
      .addSuccess(OneLog)
      .addError(refusals)
      .annotateContext(told("Read a pool's log", "It is about everybody's containers, so 403 for ordinary keys."))
  )
  .add(
    HttpApiEndpoint.get("poolStream", "/logs/pool/:node/stream")
      .setPath(Node)
      .setUrlParams(Narrowing)
      .addSuccess(Events)
      .addError(refusals)
      .annotateContext(live("It is about everybody's containers, so 403 for ordinary keys."))
  )
  .middleware(Signed)
  .annotate(OpenApi.Description, "What happened to your own resources.") {}
