import { Effect, Ref } from "effect"
import { describe, expect } from "vitest"
import { Keys } from "../../actors/key/Keys.js"
import { PublicKey } from "../../events/Ids.js"
import { type Ask, request, type Target } from "../support/client.js"
import { live } from "../support/it.js"
import { caller, inServer, Wellness } from "./harness.js"

const ask = (to: Target, method: string, path: string, more: Ask = {}) =>
  Effect.promise(() => request(to, method, path, more))

const open: Ask = { sign: false }

describe("what anybody may ask", () => {
  live("health runs something real, closes the line, and says when it cannot", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const well = yield* ask(to, "GET", "/health", open)
        expect(well).toMatchObject({ status: 200, json: { status: "ok" }, headers: { connection: "close" } })
        expect(well.text).toContain('"status":"ok"')
        expect(yield* ask(to, "HEAD", "/health", open)).toMatchObject({
          status: 200,
          text: "",
          headers: { connection: "close" }
        })
        yield* Ref.set(yield* Wellness, false)
        const ill = yield* ask(to, "GET", "/health", open)
        expect(ill).toMatchObject({
          status: 503,
          json: { status: "unhealthy", error: "unhealthy" },
          headers: { connection: "close" }
        })
        expect(yield* ask(to, "HEAD", "/health", open)).toMatchObject({ status: 503 })
      })
    )
  )

  live("languages, the document and its page", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const { json } = yield* ask(to, "GET", "/languages", open)
        expect(json.languages).toContain("bash")
        expect(json.aliases).toMatchObject({ sh: expect.any(String) })
        expect(json.count).toBe(Array.isArray(json.languages) ? json.languages.length : -1)
        expect((yield* ask(to, "GET", "/openapi", open)).json).toMatchObject({ openapi: "3.1.0" })
        const page = yield* ask(to, "GET", "/docs", open)
        expect(page.headers["content-type"]).toContain("text/html")
        expect(page.headers["content-security-policy"]).toContain("default-src 'none'")
        expect(page.text).not.toMatch(/<script|<link|<img|\ssrc=|url\(|href="(?!\/)/)
        for (const path of ["/execute", "/jobs/{id}/wait", "/keys/validate"]) expect(page.text).toContain(path)
      })
    )
  )
})

describe("what needs a key", () => {
  live("cluster, pools and stats", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const cluster = yield* ask(to, "GET", "/cluster", { sign: "bearer" })
        expect(cluster.json).toMatchObject({
          mode: "pooled",
          pool_size: 4,
          allocated: 2,
          available: 3,
          spawning: 1,
          total_containers: 6,
          network_mode: "zerotrust_only",
          network_breakdown: {
            zerotrust: { allocated: 2, available: 3, total: 5 },
            semitrusted: { allocated: 0, available: 0, total: 0, services: 0 }
          }
        })
        const pools = yield* ask(to, "GET", "/pools")
        expect(pools.json).toMatchObject({
          pool_count: 1,
          total_capacity: 4,
          total_allocated: 2,
          total_available: 3,
          pools: [
            {
              status: "healthy",
              allocated: 2,
              available: 3,
              total: 5,
              lingering: 0,
              claim_p50_ms: 0.4,
              circuit: "closed"
            }
          ]
        })
        yield* ask(to, "POST", "/execute", { body: { language: "bash", code: "x" } })
        const stats = yield* ask(to, "GET", "/stats")
        expect(stats.json).toMatchObject({
          containers: 5,
          active_jobs: 0,
          totals: { "job.accepted": 1, "job.completed": 1 }
        })
        expect(stats.json.load_1min).toMatch(/^\d+\.\d\d$/)
      })
    )
  )

  live("shells and the caller's own key", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const shells = yield* ask(to, "GET", "/shells")
        expect(shells.json).toMatchObject({ count: 35, available: expect.arrayContaining(["bash"]) })
        const bodies: ReadonlyArray<Ask> = [{}, { body: "" }, { body: "{}" }, { body: "[]" }]
        for (const more of bodies) {
          const answer = yield* ask(to, "POST", "/keys/validate", more)
          expect(answer.json).toMatchObject({
            valid: true,
            public_key: to.publicKey,
            ...{ tier: 0, tier_name: "unlimited", rate_limit: 600_000, rate_per_minute: 600_000 },
            ...{ status: "active", concurrency: 100_000, concurrency_limit: 100_000, burst: 100_000 }
          })
          expect(answer.text).not.toContain("null")
        }
        const own = { tier: 0, rate_limit: 600_000, concurrency: 100_000, vcpu: 8, ttl: 900, confirm: "on" }
        expect((yield* ask(to, "GET", "/keys/self")).json).toMatchObject(own)
      })
    )
  )

  live("a child key's, as narrow as its line", () =>
    inServer(
      Effect.gen(function* () {
        const keys = yield* Keys
        const parent = yield* caller()
        const of = PublicKey.make(parent.publicKey)
        yield* keys.grant(of, { tier: "5", limits: { rpm: 30 }, scopes: ["execute", "sessions"] }, "root/test")
        const order = { label: "", parent: of, grants: { limits: { concurrency: 1 } } }
        const child = { ...parent, ...(yield* keys.create(order, "root/test")) }
        expect((yield* ask(child, "GET", "/keys/self")).json).toMatchObject({
          ...{ tier: 5, tier_name: "5", rate_limit: 30, burst: 35, concurrency: 1, services: 20 },
          ...{ scopes: ["execute", "sessions"], generation: 1 }
        })
        yield* keys.grant(of, { tier: "free", limits: { rpm: null } }, "root/test")
        const told = yield* ask(child, "POST", "/keys/validate")
        expect(told.json).toMatchObject({ rate_limit: 1, scopes: ["execute"], services: 0, generation: 1 })
        expect(told.text).not.toContain(parent.publicKey)
        expect((yield* ask(parent, "GET", "/keys/self")).json).not.toHaveProperty("generation")
        yield* keys.suspend(of, "x", "root/test")
        expect((yield* ask(child, "POST", "/keys/validate")).json).toMatchObject({ reason: "suspended" })
      })
    )
  )
})

describe("what is not there", () => {
  live("is 404 where no path is, 405 with Allow where another method is, in the usual shape", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const missing = yield* ask(to, "GET", "/nothing?x=1", open)
        expect(missing).toMatchObject({ status: 404, json: { error: "not_found", code: "NOT_FOUND", details: {} } })
        expect(yield* ask(to, "GET", "/execute", open)).toMatchObject({ status: 405, headers: { allow: "POST" } })
        expect(yield* ask(to, "PUT", "/jobs/abc", open)).toMatchObject({
          status: 405,
          headers: { allow: "DELETE, GET, HEAD" }
        })
        expect((yield* ask(to, "OPTIONS", "/execute", open)).status).toBe(405)
        for (const path of ["/%", "/%00", "//", "/jobs/%2e%2e", `/${"a".repeat(8_000)}`]) {
          const odd = yield* ask(to, "GET", path, open)
          expect(odd.status, path).toBeGreaterThanOrEqual(400)
          expect(odd.status, path).toBeLessThan(500)
          expect(odd.json.error, path).toBeTypeOf("string")
        }
      })
    )
  )
})
