import { Duration, Effect } from "effect"
import { describe, expect } from "vitest"
import { type Ask, request, type Target } from "../support/client.js"
import { live } from "../support/it.js"
import { caller, inServer, type Script } from "./harness.js"

const ask = (to: Target, method: string, path: string, more: Ask = {}) =>
  Effect.promise(() => request(to, method, path, more))

const start = (to: Target, script: Script) =>
  Effect.map(
    ask(to, "POST", "/execute/async", { body: { language: "python", code: JSON.stringify(script) } }),
    ({ json }) => String(json.job_id)
  )

describe("jobs", () => {
  live("are cancelled by either path, keep what they wrote, and stay cancelled", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        for (const [method, suffix] of [
          ["DELETE", ""],
          ["POST", "/cancel"]
        ] as const) {
          const id = yield* start(to, { stdout: "partial", millis: 20_000 })
          const cancelled = yield* ask(to, method, `/jobs/${id}${suffix}`)
          expect(cancelled).toMatchObject({
            status: 200,
            json: {
              job_id: id,
              status: "cancelled",
              message: "Job cancelled",
              success: true,
              stdout: "partial",
              artifacts: []
            }
          })
          expect(cancelled.json.completed_at).toBeTypeOf("string")
          const after = yield* ask(to, "GET", `/jobs/${id}`)
          expect(after.json).toMatchObject({ status: "cancelled", success: false })
          const again = yield* ask(to, "DELETE", `/jobs/${id}`)
          expect(again).toMatchObject({
            status: 200,
            json: { success: true, message: "Job had already ended: cancelled" }
          })
        }
      })
    )
  )

  live("are listed as an object, newest first, filtered and bounded", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const failed = yield* start(to, { end: { status: "failed", cause: "exit", exitCode: 2 } })
        yield* ask(to, "GET", `/jobs/${failed}/wait`)
        const running = yield* start(to, { millis: 20_000 })
        const all = yield* ask(to, "GET", "/jobs")
        expect(all.json).toMatchObject({
          count: 2,
          jobs: [{ job_id: running }, { job_id: failed, status: "failed", exit_code: 2 }]
        })
        expect(all.text).not.toContain("null")
        expect((yield* ask(to, "GET", "/jobs?limit=1")).json).toMatchObject({ count: 1 })
        expect((yield* ask(to, "GET", "/jobs?status=failed")).json).toMatchObject({ jobs: [{ job_id: failed }] })
        for (const query of ["limit=0", "limit=1001", "limit=x", "status=odd"]) {
          const bad = yield* ask(to, "GET", `/jobs?${query}`)
          expect(bad, query).toMatchObject({
            status: 400,
            json: { error: "invalid_parameter", details: { field: query.split("=")[0] } }
          })
        }
        yield* ask(to, "DELETE", `/jobs/${running}`)
      })
    )
  )

  live("are waited for no longer than asked", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const id = yield* start(to, { millis: 20_000 })
        const [took, answer] = yield* Effect.timed(ask(to, "GET", `/jobs/${id}/wait?timeout=0.2`))
        expect(answer.json).toMatchObject({ status: "running" })
        expect(answer.json).not.toHaveProperty("exit_code")
        expect(Duration.toMillis(took)).toBeLessThan(10_000)
        expect((yield* ask(to, "GET", `/jobs/${id}/wait?timeout=61`)).status).toBe(400)
        yield* ask(to, "DELETE", `/jobs/${id}`)
      })
    )
  )

  live("of somebody else are as if they had never been", () =>
    inServer(
      Effect.gen(function* () {
        const [to, stranger] = [yield* caller(), yield* caller()]
        const id = yield* start(to, { millis: 20_000 })
        const never = "unsb-job-00000000000000000000000000000000"
        for (const [method, suffix] of [
          ["GET", ""],
          ["DELETE", ""],
          ["POST", "/cancel"],
          ["GET", "/wait"]
        ] as const) {
          const theirs = yield* ask(stranger, method, `/jobs/${id}${suffix}`)
          const none = yield* ask(stranger, method, `/jobs/${never}${suffix}`)
          const odd = yield* ask(stranger, method, `/jobs/whatever${suffix}`)
          expect([theirs.status, none.status, odd.status]).toEqual([404, 404, 404])
          expect(theirs.json).toEqual(none.json)
        }
        expect((yield* ask(stranger, "GET", "/jobs")).json).toEqual({ jobs: [], count: 0 })
        expect((yield* ask(to, "GET", `/jobs/${id}`)).json).toMatchObject({ status: "running" })
        yield* ask(to, "DELETE", `/jobs/${id}`)
      })
    )
  )
})
