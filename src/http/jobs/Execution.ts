/** The execution group: programs to run, and what came of them. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import { Schema } from "effect"
import { Signed } from "../Authentication.js"
import * as Field from "../Field.js"
import { problems } from "../Problem.js"
import { ExecuteRequest, RawCode, RunQuery, RunRequest } from "./Program.js"

const { optional } = Schema

export const Artifact = Schema.Struct({
  filename: Field.text("Its path below the artifact directory.", "plot.png"),
  content_base64: Field.text("Its bytes, base64.", "iVBORw0KGgo="),
  content: Field.text("The same.", "iVBORw0KGgo="),
  data: Field.text("The same.", "iVBORw0KGgo="),
  type: Field.of(Schema.Literal("base64"), "How the bytes are written.", "base64"),
  kind: Field.text("`file`, `binary` (compiled) or `wasm`.", "file"),
  size: Field.count("Bytes before the encoding.", 8)
}).annotations({ identifier: "Artifact" })

/** What is told of a job from its first moment. */
export const jobFields = {
  job_id: Field.text("The job.", "unsb-job-0123456789abcdef0123456789abcdef"),
  id: Field.text("The same.", "unsb-job-0123456789abcdef0123456789abcdef"),
  status: Field.text("`pending`, `running`, `completed`, `failed`, `timeout` or `cancelled`.", "completed"),
  state: Field.text("The same.", "completed"),
  language: Field.text("The language's id.", "python"),
  network_mode: Field.text("The network that it had.", "zerotrust"),
  detected_language: optional(Field.text("Where the language was told by the program's text.", "python")),
  execution_mode: Field.of(Schema.Literal("pooled"), "It runs in a container from the warm pool.", "pooled"),
  created_at: Field.time("When it was accepted"),
  started_at: optional(Field.time("When its container was claimed")),
  completed_at: optional(Field.time("When it ended"))
}

/** What is told once it has ended. */
export const endFields = {
  success: Field.flag("It ran and exited with 0.", true),
  stdout: Field.text("Standard output; bytes that are not UTF-8 are replaced.", "hello\n"),
  stderr: Field.text("Standard error, likewise.", ""),
  output: Field.text("The same as `stdout`.", "hello\n"),
  error: Field.text("Why it did not succeed: standard error, or the cause; empty on success.", ""),
  stdout_base64: optional(Field.text("The bytes, where they are not UTF-8.", "/w==")),
  stderr_base64: optional(Field.text("The bytes, where they are not UTF-8.", "/w==")),
  stdout_truncated: Field.flag("It wrote more than is kept.", false),
  stderr_truncated: Field.flag("It wrote more than is kept.", false),
  exit_code: Field.count("Its exit status; 128 and the signal's number when a signal ended it.", 0),
  cause: Field.text("Why it ended: `completed`, `exit`, `ttl`, `oom`, `cancelled`, `killed` …", "completed"),
  signal: optional(Field.count("The signal that ended it.", 9)),
  total_time_ms: Field.count("From acceptance to end.", 31),
  execution_time_ms: Field.count("The program's own time on the clock.", 27),
  execution_time: Field.count("The same.", 27),
  cpu_time_ms: Field.count("Processor time, user and system.", 19),
  peak_memory_bytes: Field.count("The most memory that it held.", 9437184),
  artifacts: Schema.Array(Artifact).annotations({ description: "Files that it left, when they were asked for." }),
  artifact: optional(Artifact),
  wasm_artifact: optional(Artifact),
  output_expired: optional(Field.flag("The output's retention has passed.", true))
}

export const ExecuteResult = Schema.Struct({ ...endFields, ...jobFields }).annotations({
  identifier: "ExecuteResult",
  description: "How a program ended. A program that fails is still an answer with status 200."
})
export type ExecuteResult = typeof ExecuteResult.Type

export const Accepted = Schema.Struct({
  job_id: jobFields.job_id,
  id: jobFields.id,
  status: Field.text("`pending`; later as GET /jobs/{id} tells.", "pending"),
  state: Field.text("The same.", "pending"),
  language: jobFields.language,
  network_mode: jobFields.network_mode,
  detected_language: jobFields.detected_language,
  created_at: jobFields.created_at,
  message: Field.text("For people.", "Job accepted for execution")
}).annotations({ identifier: "AsyncJobResponse" })
export type Accepted = typeof Accepted.Type

const points = [...Field.signed, "D06", "D11", "D08", "D12", "D13", "D14", "D07", "D10", "D23", "D26"] as const
const refusals = problems(400, 401, 403, 408, 409, 413, 429, 503)
const Once = Schema.Struct({
  "idempotency-key": optional(
    Field.text("The same key and body give the first result again; another body is a conflict.", "order-7")
  )
})
export class Execution extends HttpApiGroup.make("execution")
  .add(
    HttpApiEndpoint.post("execute", "/execute")
      .setHeaders(Once)
      .setPayload(ExecuteRequest)
      .addSuccess(ExecuteResult)
      .addError(refusals)
      .annotateContext(
        Field.route("Run a program and wait for its end", "Answers 200 whether or not the program succeeds.", ...points)
      )
  )
  .add(
    HttpApiEndpoint.post("executeAsync", "/execute/async")
      .setHeaders(Once)
      .setPayload(ExecuteRequest)
      .addSuccess(Accepted, { status: 202 })
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Run a program in the background",
          "Poll GET /jobs/{id}, or wait with GET /jobs/{id}/wait.",
          ...points
        )
      )
  )
  .add(
    HttpApiEndpoint.post("run", "/run")
      .setHeaders(Once)
      .setUrlParams(RunQuery)
      .setPayload(Schema.Union(RawCode, RunRequest))
      .addSuccess(ExecuteResult)
      .addError(refusals)
      .annotateContext(
        Field.route(
          "Run a program whose language is in its text",
          "The body is the program itself, or JSON.",
          ...points
        )
      )
  )
  .add(
    HttpApiEndpoint.post("runAsync", "/run/async")
      .setHeaders(Once)
      .setUrlParams(RunQuery)
      .setPayload(Schema.Union(RawCode, RunRequest))
      .addSuccess(Accepted, { status: 202 })
      .addError(refusals)
      .annotateContext(
        Field.route("The same in the background", "As POST /run, answered like POST /execute/async.", ...points)
      )
  )
  .middleware(Signed)
  .annotate(OpenApi.Description, "Run untrusted code.") {}
