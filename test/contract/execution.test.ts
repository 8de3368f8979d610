/** The contract's sections 1 to 4 and 9 to 12, as far as programs go, against the real server and real containers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Answer, type Ask, request } from "../support/client.js"
import { type Server, startServer } from "../support/server.js"

let server: Server
beforeAll(async () => {
  server = await startServer({ pool: 4 })
}, 120_000)
afterAll(() => server?.stop(), 60_000)

const ask = (method: string, path: string, more: Ask = {}) => request(server, method, path, more)
const execute = (body: object, more: Ask = {}) => ask("POST", "/execute", { body, ...more })
const bash = (code: string, more: object = {}) => ({ language: "bash", code, ...more })

const terminal = ["completed", "failed", "timeout", "cancelled"]

/** As clients poll. */
const ended = async (id: unknown): Promise<Answer> => {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await ask("GET", `/jobs/${String(id)}`)
    if (terminal.includes(String(answer.json.status))) return answer
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`job ${String(id)} did not end`)
}

describe("POST /execute", () => {
  it("runs and answers with the superset of keys, compact", async () => {
    const answer = await execute(bash("echo hello; echo oops >&2"))
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json).toMatchObject({
      success: true,
      stdout: "hello\n",
      output: "hello\n",
      stderr: "oops\n",
      error: "",
      exit_code: 0,
      language: "bash",
      network_mode: "zerotrust",
      status: "completed",
      state: "completed",
      artifacts: [],
      execution_mode: "pooled"
    })
    for (const name of ["total_time_ms", "execution_time_ms", "execution_time", "cpu_time_ms", "peak_memory_bytes"])
      expect(Number.isInteger(answer.json[name]), name).toBe(true)
    expect(answer.text).toContain('"stdout":"hello\\n"')
    expect(answer.text).not.toMatch(/:null|": /)
    expect((await ask("GET", `/jobs/${String(answer.json.job_id)}`)).json).toEqual(answer.json)
  })

  it("answers 200 for a failing program", async () => {
    const answer = await execute(bash("echo bad >&2; exit 3"))
    expect(answer).toMatchObject({
      status: 200,
      json: { success: false, exit_code: 3, status: "failed", error: "bad\n" }
    })
  })

  it("stops at ttl", async () => {
    const answer = await execute(bash("echo begun; while :; do :; done", { ttl: 1 }))
    expect(answer).toMatchObject({
      status: 200,
      json: { success: false, status: "timeout", cause: "ttl", stdout: "begun\n" }
    })
  })

  it("takes env, files in /tmp/input and in the working directory, and standard input", async () => {
    const content = Buffer.from("file text\n").toString("base64")
    const files = [
      { filename: "a.txt", content },
      { filename: "sub/b.txt", content_base64: content }
    ]
    const code = 'echo "$GREETING"; cat /tmp/input/a.txt /tmp/input/sub/b.txt a.txt; cat'
    const answer = await execute(
      bash(code, { env: { GREETING: "hi there" }, input_files: files, stdin: "from stdin\n" })
    )
    expect(answer.json.stdout, answer.text).toBe("hi there\nfile text\nfile text\nfile text\nfrom stdin\n")
  })

  it("keeps output that is not UTF-8 readable and whole", async () => {
    const answer = await execute(bash("printf 'a\\377b'"))
    expect(answer.json).toMatchObject({ stdout: "a\ufffdb", stdout_base64: "Yf9i" })
  })

  it("caps output and says so", async () => {
    const answer = await execute(bash("head -c 3000000 /dev/zero | tr '\\0' x"))
    expect(answer.json).toMatchObject({ stdout_truncated: true, success: true })
    expect(String(answer.json.stdout).length).toBe(1024 * 1024)
  })

  it("runs semitrusted as that", async () => {
    const answer = await execute(bash("echo $HTTPS_PROXY", { network: "semitrusted" }))
    expect(answer).toMatchObject({
      status: 200,
      json: { network_mode: "semitrusted", stdout: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\n$/) }
    })
  })

  it("refuses WebAssembly where there is none instead of leaving it out", async () => {
    const answer = await execute(bash("echo x", { return_wasm_artifact: true }))
    expect(answer).toMatchObject({ status: 400, json: { error: "wasm_unsupported", code: "WASM_UNSUPPORTED" } })
  })

  it("suggests the nearest language", async () => {
    const answer = await execute({ language: "bahs", code: "echo" })
    expect(answer).toMatchObject({ status: 400, json: { error: "unknown_language", details: { suggestion: "bash" } } })
  })

  it("gives an Idempotency-Key's first result again and refuses another body", async () => {
    const headers = { "idempotency-key": "order-7" }
    const first = await execute(bash("echo $RANDOM $RANDOM"), { headers })
    const again = await execute(bash("echo $RANDOM $RANDOM"), { headers })
    expect(again.text).toBe(first.text)
    expect((await execute(bash("echo other"), { headers })).status).toBe(409)
  })
})

describe("in the background", () => {
  it("POST /execute/async answers 202 and GET /jobs/{id} resolves it", async () => {
    const answer = await ask("POST", "/execute/async", { body: bash("sleep 0.3; echo later") })
    expect(answer).toMatchObject({ status: 202, json: { status: "pending", message: "Job accepted for execution" } })
    const done = await ended(answer.json.job_id)
    expect(done.json).toMatchObject({ status: "completed", stdout: "later\n", exit_code: 0, success: true })
    const listed = await ask("GET", "/jobs?limit=5")
    expect(listed.json.jobs).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ job_id: answer.json.job_id })])
    )
  })

  it("a job is cancelled by DELETE and by its alias", async () => {
    for (const [method, suffix] of [
      ["DELETE", ""],
      ["POST", "/cancel"]
    ] as const) {
      const { json } = await ask("POST", "/execute/async", { body: bash("echo begun; sleep 60") })
      const path = `/jobs/${String(json.job_id)}`
      await new Promise((resolve) => setTimeout(resolve, 700))
      const cancelled = await ask(method, `${path}${suffix}`)
      expect(cancelled, cancelled.text).toMatchObject({
        status: 200,
        json: { status: "cancelled", message: "Job cancelled", success: true, artifacts: [] }
      })
      expect((await ask("GET", path)).json).toMatchObject({ status: "cancelled", success: false })
    }
  })

  it("GET /jobs/{id}/wait answers at the end", async () => {
    const { json } = await ask("POST", "/execute/async", { body: bash("sleep 0.3; echo waited") })
    const done = await ask("GET", `/jobs/${String(json.job_id)}/wait?timeout=30`)
    expect(done.json).toMatchObject({ status: "completed", stdout: "waited\n" })
  })

  it("an unknown job is 404", async () => {
    expect((await ask("GET", `/jobs/unsb-job-${"0".repeat(32)}`)).status).toBe(404)
    expect((await ask("GET", "/jobs/nonsense")).status).toBe(404)
  })
})

describe("POST /run", () => {
  const plain = { "content-type": "text/plain" }

  it("detects the language of raw text, settings in the query, signed with or without it", async () => {
    const path = `/run?env=${encodeURIComponent('{"A":"b c"}')}&ttl=10`
    for (const sign of [{}, { path: "/run" }]) {
      const answer = await ask("POST", path, { body: '#!/bin/bash\necho "$A"', headers: plain, sign })
      expect(answer, answer.text).toMatchObject({ status: 200, json: { stdout: "b c\n", detected_language: "bash" } })
    }
  })

  it("takes JSON, and runs in the background", async () => {
    const code = "#!/usr/bin/env bash\necho json"
    expect((await ask("POST", "/run", { body: { code } })).json).toMatchObject({ stdout: "json\n" })
    const later = await ask("POST", "/run/async", { body: code, headers: plain })
    expect(later).toMatchObject({ status: 202, json: { detected_language: "bash", status: "pending" } })
    expect((await ended(later.json.job_id)).json).toMatchObject({ stdout: "json\n", detected_language: "bash" })
  })
})

describe("the rest of the system", () => {
  it("health, languages and shells", async () => {
    const health = await ask("GET", "/health", { sign: false })
    expect(health).toMatchObject({ status: 200, json: { status: "ok" }, headers: { connection: "close" } })
    expect((await ask("HEAD", "/health", { sign: false })).status).toBe(200)
    const languages = await ask("GET", "/languages", { sign: false })
    expect(languages.json.languages).toContain("bash")
    expect((await ask("GET", "/shells")).json).toMatchObject({ count: 35 })
  })

  it("cluster, pools, stats and the caller's key", async () => {
    expect((await ask("GET", "/cluster", { sign: "bearer" })).json).toMatchObject({
      mode: "pooled",
      pool_size: 6,
      network_mode: "hybrid"
    })
    expect((await ask("GET", "/pools", { sign: "bearer" })).json).toMatchObject({ pool_count: 2, total_capacity: 6 })
    expect((await ask("GET", "/stats")).json.load_1min).toBeTypeOf("string")
    expect((await ask("POST", "/keys/validate", { body: "{}", sign: { body: "" } })).json).toMatchObject({
      valid: true
    })
    expect((await ask("GET", "/keys/self")).json.tier).toBeTypeOf("number")
  })
})
