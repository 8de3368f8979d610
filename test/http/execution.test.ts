import { Effect, Ref } from "effect"
import { describe, expect, it } from "vitest"
import * as LanguageChoice from "../../src/http/jobs/LanguageChoice.js"
import { toolchain } from "../../src/languages/Plan.js"
import * as Registry from "../../src/languages/Registry.js"
import { type Ask, begin, bytesOf, credentials, request, type Target } from "../support/client.js"
import { live } from "../support/it.js"
import { directory } from "../support/storage.js"
import { caller, inServer, layer, type Script, Submitted } from "./harness.js"

const post = (to: Target, path: string, ask: Ask) => Effect.promise(() => request(to, "POST", path, ask))
const get = (to: Target, path: string) => Effect.promise(() => request(to, "GET", path))
const program = (script: Script, more: object = {}) => ({ language: "python", code: JSON.stringify(script), ...more })
const last = Effect.flatMap(Submitted, (all) => Effect.map(Ref.get(all), (found) => found.at(-1)))

describe("POST /execute", () => {
  live("answers with every key that some client reads, compact and without nulls", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const answer = yield* post(to, "/execute", { body: { language: "py", code: "hello\n" } })
        expect(answer.status).toBe(200)
        expect(answer.json).toMatchObject({
          success: true,
          stdout: "hello\n",
          output: "hello\n",
          stderr: "",
          error: "",
          exit_code: 0,
          language: "python",
          network_mode: "zerotrust",
          status: "completed",
          state: "completed",
          execution_mode: "pooled",
          execution_time_ms: 9,
          execution_time: 9,
          cpu_time_ms: 7,
          peak_memory_bytes: 7_000_000,
          artifacts: [],
          stdout_truncated: false,
          cause: "completed"
        })
        expect(answer.json.job_id).toBe(answer.json.id)
        expect(Number.isInteger(answer.json.total_time_ms)).toBe(true)
        for (const name of ["created_at", "started_at", "completed_at"])
          expect(answer.json[name]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
        expect(answer.text).not.toMatch(/null|": |, "/)
        expect(answer.headers["content-length"]).toBe(String(Buffer.byteLength(answer.text)))
        expect(answer.headers).toMatchObject({
          "content-type": "application/json",
          "x-content-type-options": "nosniff"
        })
        expect(answer.headers).not.toHaveProperty("server")
        const job = yield* get(to, `/jobs/${String(answer.json.job_id)}`)
        expect(job.json).toEqual(answer.json)
      })
    )
  )

  live("answers 200 for programs that fail, with the reason in error", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const end = { status: "failed", cause: "exit", exitCode: 3 } as const
        const failed = yield* post(to, "/execute", { body: program({ stdout: "a", stderr: "boom", end }) })
        expect(failed).toMatchObject({
          status: 200,
          json: { success: false, status: "failed", exit_code: 3, error: "boom", stdout: "a" }
        })
        const late = { status: "timeout", cause: "ttl", exitCode: 137, signal: 9 } as const
        const timeout = yield* post(to, "/execute", { body: program({ end: late }) })
        expect(timeout.json).toMatchObject({ success: false, status: "timeout", cause: "ttl", signal: 9 })
        expect(timeout.json.error).toContain("ttl")
      })
    )
  )

  live("gives bytes that are not UTF-8 as base64 too, and does not blame the cap for a cut character", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const raw = yield* post(to, "/execute", { body: program({ stdoutHex: "61ff62" }) })
        expect(raw.json).toMatchObject({ stdout: "a\ufffdb", stdout_base64: "Yf9i" })
        const cut = yield* post(to, "/execute", { body: program({ stdoutHex: "61e282", truncated: true }) })
        expect(cut.json).toMatchObject({ stdout: "a", stdout_truncated: true })
        expect(cut.json).not.toHaveProperty("stdout_base64")
        const whole = yield* post(to, "/execute", { body: program({ stdoutHex: "61e282ac", truncated: true }) })
        expect(whole.json).toMatchObject({ stdout: "a€" })
      })
    )
  )

  live("gives artifacts under all their names", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const artifacts: Script["artifacts"] = [
          { filename: "a.txt", text: "abc", kind: "file" },
          { filename: "main.wasm", text: "wasm", kind: "wasm" }
        ]
        const answer = yield* post(to, "/execute", { body: program({ artifacts }, { return_artifacts: true }) })
        const base64 = "YWJj"
        const first = {
          filename: "a.txt",
          content_base64: base64,
          content: base64,
          data: base64,
          type: "base64",
          kind: "file",
          size: 3
        }
        expect(answer.json.artifacts).toMatchObject([first, { filename: "main.wasm" }])
        expect(answer.json.artifact).toEqual(first)
        expect(answer.json.wasm_artifact).toMatchObject({ filename: "main.wasm" })
        expect((yield* last)?.order.facts).toMatchObject({ wantsArtifacts: true })
      })
    )
  )

  live("refuses WebAssembly where there is none, instead of running without it", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const none = yield* post(to, "/execute", { body: program({}, { return_wasm_artifact: true }) })
        expect(none).toMatchObject({ status: 400, json: { error: "wasm_unsupported", details: { point: "D12" } } })
        const plain = { "content-type": "text/plain" }
        const code = "#!/usr/bin/env python3\nprint(1)"
        const run = yield* post(to, "/run?return_wasm_artifact=true", { body: code, headers: plain })
        expect(run).toMatchObject({ status: 400, json: { error: "wasm_unsupported" } })
        expect(yield* Ref.get(yield* Submitted)).toEqual([])
      })
    )
  )

  it("knows which language has a target that is not installed", () => {
    const [c, python] = [Registry.find("c"), Registry.find("python")]
    const paths = { cc: "/usr/bin/cc", bin: "/usr/bin/python3" }
    const all = [c, python].flatMap((one) => (one === undefined ? [] : [[one.id, toolchain(one, paths)] as const]))
    const choice = LanguageChoice.make({
      available: new Map(all),
      shells: new Map(),
      multiplexers: new Map(),
      refresh: Effect.die("unasked")
    })
    expect(choice.of("c", true)).toMatchObject({
      runnable: true,
      wasm: "not installed",
      installCommand: "unsandbox languages install --wasm c"
    })
    expect(choice.of("python", true)).toMatchObject({ runnable: true, wasm: "no target", installCommand: undefined })
    expect(choice.of("c")).not.toHaveProperty("wasm")
  })

  live("understands every alias, and nothing in the place of something", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const aliases = { network: "zerotrust", timeout: 7, return_artifacts: true, unknown: { field: [1] } }
        const files = [{ filename: "a/b.txt", content_base64: "YQ==" }]
        yield* post(to, "/execute", { body: program({}, { ...aliases, input_files: files }) })
        const submission = yield* last
        expect(submission?.order.facts).toMatchObject({ network: "zerotrust", ttlMillis: 7_000, wantsArtifacts: true })
        expect(submission?.files.facts.files).toMatchObject([{ name: "a/b.txt" }])
        const nothing = { env: [], ttl: null, vcpu: null, input_files: [], network_mode: "", stdin: null }
        const plain = yield* post(to, "/execute", { body: program({}, nothing) })
        expect(plain.status, plain.text).toBe(200)
        expect((yield* last)?.order.facts).toMatchObject({ env: {}, ttlMillis: 60_000, vcpu: 1 })
        const odd = yield* post(to, "/execute", { body: program({}), headers: { "content-type": "text/weird" } })
        expect(odd.status).toBe(200)
      })
    )
  )

  live("refuses what is not well-formed, and says where", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const bad: ReadonlyArray<readonly [Ask["body"], number, string, object]> = [
          ['{"language":"python",\n"code":}', 400, "malformed_json", { position: 29, line: 2, column: 8 }],
          ["[1,2]", 400, "not_an_object", {}],
          ["", 400, "invalid_request", { field: "code" }],
          ["{}", 400, "invalid_request", { field: "code" }],
          ["[]", 400, "invalid_request", { field: "code" }],
          [Buffer.from([0x7b, 0xff, 0x7d]), 400, "invalid_encoding", {}],
          [{ language: "python", code: 7 }, 400, "invalid_request", { field: "code" }],
          [program({}, { ttl: 901 }), 400, "invalid_request", { field: "ttl" }],
          [program({}, { vcpu: 9 }), 400, "invalid_request", { field: "vcpu" }],
          [program({}, { env: { "1x": "a" } }), 400, "invalid_request", { field: "env" }],
          [program({}, { input_files: [{ filename: "../x", content: "YQ==" }] }), 400, "invalid_filename", {}],
          [{ code: "print(1)" }, 400, "language_required", {}],
          [{ language: "pyhton", code: "1" }, 400, "unknown_language", { suggestion: "python" }],
          [program({}, { network_mode: "semitrusted" }), 403, "network_mode_unavailable", {}]
        ]
        for (const [body, status, error, details] of bad) {
          const answer = yield* post(to, "/execute", body === undefined ? {} : { body })
          expect([answer.status, answer.json.error], answer.text).toEqual([status, error])
          expect(answer.json.details, answer.text).toMatchObject(details)
        }
        expect(yield* last).toBeUndefined()
      })
    )
  )

  live("says when to come again where there was no container, and shows nothing of a defect", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const full = yield* post(to, "/execute", { body: program({ noCapacity: true }) })
        expect(full).toMatchObject({ status: 503, headers: { "retry-after": "2" }, json: { error: "no_capacity" } })
        const broken = yield* post(to, "/execute", {
          body: program({ dies: true }),
          headers: { "x-request-id": "trace-7" }
        })
        expect(broken).toMatchObject({
          status: 500,
          json: { error: "internal_error", details: { request_id: "trace-7" } }
        })
        expect(broken.headers["x-request-id"]).toBe("trace-7")
        expect(broken.text).not.toMatch(/secret reason|\/srv|at .*:\d+/)
      })
    )
  )
})

describe("a caller that leaves", () => {
  live("does not stop its program", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const body = bytesOf(program({ stdout: "on", millis: 400 }))
        const sent = begin(to, "POST", "/execute", {
          ...credentials(to, "POST", "/execute", body),
          "content-length": String(body.length)
        })
        sent.on("error", () => undefined)
        sent.end(body)
        yield* Effect.sleep("150 millis")
        sent.destroy()
        const [job] = /unsb-job-[0-9a-f]{32}/.exec((yield* get(to, "/jobs")).text) ?? []
        const done = yield* get(to, `/jobs/${job}/wait`)
        expect(done.json).toMatchObject({ status: "completed", stdout: "on" })
      })
    )
  )
})

describe("POST /execute/async and /run", () => {
  live("answers 202 at once with a job that can be followed", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const answer = yield* post(to, "/execute/async", { body: program({ stdout: "later", millis: 300 }) })
        expect(answer).toMatchObject({
          status: 202,
          json: { status: "pending", message: "Job accepted for execution" }
        })
        const path = `/jobs/${String(answer.json.job_id)}`
        const before = yield* get(to, path)
        expect(before.json).not.toHaveProperty("success")
        expect(["pending", "running"]).toContain(before.json.status)
        const done = yield* get(to, `${path}/wait?timeout=10`)
        expect(done.json).toMatchObject({ status: "completed", stdout: "later", success: true })
      })
    )
  )

  live("/run takes raw text or JSON, its settings from the query, its language from the text", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const code = "#!/usr/bin/env python3\nprint(1)"
        const plain = { "content-type": "text/plain" }
        const env = encodeURIComponent('{"A":"b c"}')
        const path = `/run?env=${env}&ttl=5&return_artifact=true&network_mode=zerotrust`
        const raw = yield* post(to, path, { body: code, headers: plain })
        expect(raw).toMatchObject({
          status: 200,
          json: { stdout: code, language: "python", detected_language: "python" }
        })
        expect((yield* last)?.order.facts).toMatchObject({ env: { A: "b c" }, ttlMillis: 5_000, wantsArtifacts: true })
        const unsigned = yield* post(to, path, { body: code, headers: plain, sign: { path: "/run" } })
        expect(unsigned.status).toBe(200)
        const json = yield* post(to, "/run", { body: { code } })
        expect(json.json).toMatchObject({ stdout: code, detected_language: "python" })
        const later = yield* post(to, "/run/async", { body: code, headers: plain })
        expect(later).toMatchObject({ status: 202, json: { status: "pending", detected_language: "python" } })
        const unsure = yield* post(to, "/run", { body: "print(1)", headers: plain })
        expect(unsure).toMatchObject({ status: 400, json: { error: "language_required" } })
        const badEnv = yield* post(to, "/run?env=%7Bx", { body: code, headers: plain })
        expect(badEnv).toMatchObject({ status: 400, json: { error: "malformed_json" } })
      })
    )
  )
})

describe("Idempotency-Key", () => {
  const once = (to: Target, key: string, body: object, path = "/execute") =>
    post(to, path, { body, headers: { "idempotency-key": key } })

  live("gives the first result again, also to those who come at once, and runs once", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const body = program({ stdout: "only", millis: 200 })
        const many = yield* Effect.all(
          Array.from({ length: 8 }, () => once(to, "k1", body)),
          { concurrency: "unbounded" }
        )
        expect(new Set(many.map(({ text }) => text)).size).toBe(1)
        expect(many.map(({ status }) => status)).toEqual(Array(8).fill(200))
        const replayed = yield* once(to, "k1", body)
        expect(replayed.text).toBe(many[0]?.text)
        expect(replayed.headers["idempotency-replayed"]).toBe("true")
        expect(yield* Ref.get(yield* Submitted)).toHaveLength(1)
        expect(yield* once(to, "k1", program({ stdout: "other" }))).toMatchObject({
          status: 409,
          json: { error: "idempotency_conflict" }
        })
        expect(yield* once(to, "k1", body, "/execute/async")).toMatchObject({ status: 409 })
        const stranger = yield* caller()
        expect(yield* once(stranger, "k1", program({ stdout: "mine" }))).toMatchObject({
          status: 200,
          json: { stdout: "mine" }
        })
        expect(yield* once(to, "k\u0007", body).pipe(Effect.exit)).toMatchObject({ _tag: "Failure" })
        expect(yield* once(to, "k".repeat(256), body)).toMatchObject({
          status: 400,
          json: { error: "invalid_idempotency_key" }
        })
      })
    )
  )

  live("is free again when nothing was run", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const body = program({ noCapacity: true })
        expect((yield* once(to, "k2", body)).status).toBe(503)
        expect((yield* once(to, "k2", body)).status).toBe(503)
        expect(yield* Ref.get(yield* Submitted)).toHaveLength(2)
      })
    )
  )

  live("is remembered across a restart", () =>
    Effect.gen(function* () {
      const data = yield* directory
      const body = program({ stdout: "kept" })
      const [to, first] = yield* Effect.gen(function* () {
        const to = yield* caller()
        return [to, yield* once(to, "k3", body)] as const
      }).pipe(Effect.provide(layer(data)))
      yield* Effect.gen(function* () {
        const { url } = yield* caller()
        const again = yield* once({ ...to, url }, "k3", body)
        expect(again.text).toBe(first.text)
        expect(yield* Ref.get(yield* Submitted)).toEqual([])
      }).pipe(Effect.provide(layer(data)))
    })
  )
})
