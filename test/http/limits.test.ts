/** Verifies: exactly the requests that begin work are charged to a key's rate, and none of them when that cannot be known. */
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Effect, Ref } from "effect"
import { describe, expect, it } from "vitest"
import * as Document from "../../src/http/Document.js"
import { request } from "../support/client.js"
import { live } from "../support/it.js"
import { directory } from "../support/storage.js"
import { caller, layer, Noted, Submitted } from "./harness.js"

const charged = [
  ...["/execute", "/execute/async", "/run", "/run/async"],
  ...[
    "/sessions",
    "/sessions/{id}/execute",
    "/sessions/{id}/shell",
    "/sessions/{id}/snapshot",
    "/sessions/{id}/restore"
  ],
  ...["/services", "/services/{id}/execute", "/services/{id}/redeploy", "/services/{id}/snapshot"],
  ...["/snapshots", "/snapshots/{id}/restore", "/snapshots/{id}/clone"],
  ...["/images", "/images/publish", "/images/import", "/images/{id}/clone", "/images/{id}/spawn"]
].map((path) => `post ${path}`)

/** What runs afterwards, or more of it does. */
const occupying = [
  ...["/execute", "/execute/async", "/run", "/run/async"],
  ...["/sessions", "/sessions/{id}/unfreeze", "/sessions/{id}/boost", "/sessions/{id}/restore"],
  ...["/services", "/services/{id}/unfreeze", "/services/{id}/redeploy"],
  ...["/snapshots/{id}/restore", "/snapshots/{id}/clone", "/images/{id}/spawn"]
].map((path) => `post ${path}`)

type Json = Readonly<Record<string, unknown>>
const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)
const entries = (value: unknown) => (isJson(value) ? Object.entries(value) : [])

describe("the limits of a key", () => {
  const operations = entries(Document.make().paths).flatMap(([path, methods]) =>
    entries(methods).map(([method, operation]) => ({
      name: `${method} ${path}`,
      operation: isJson(operation) ? operation : {}
    }))
  )
  const passing = (point: string) =>
    operations.filter(({ operation }) => JSON.stringify(operation["x-decision-points"]).includes(point))

  for (const [point, expected] of [
    ["D06", charged],
    ["D07", occupying]
  ] as const)
    it(`are asked for where they should be, and refusals are told of (${point})`, () => {
      const found = passing(point)
      expect(found.map(({ name }) => name).sort()).toEqual([...expected].sort())
      for (const { name, operation } of found)
        expect(
          entries(operation.responses).map(([status]) => status),
          name
        ).toContain("429")
    })

  live("that cannot be read refuse what begins work, and nothing else", () =>
    Effect.flatMap(directory, (data) =>
      Effect.gen(function* () {
        const to = yield* caller()
        const post = (code: string) =>
          Effect.promise(() => request(to, "POST", "/execute", { body: { language: "bash", code } }))
        expect(yield* post("one")).toMatchObject({ status: 200, headers: { "x-ratelimit-limit": "600000" } })
        const other = yield* caller()
        const db = new Sqlite(join(data, "unsandbox.sqlite"))
        db.exec("DROP TABLE rates")
        db.close()
        const ask = { body: { language: "bash", code: "two" } }
        const refused = yield* Effect.promise(() => request(other, "POST", "/execute", ask))
        expect(refused).toMatchObject({
          status: 503,
          json: { error: "uncertain", details: { point: "D06", certainty: "uncertain" } }
        })
        expect(refused.headers["x-ratelimit-limit"]).toBeUndefined()
        expect(yield* Ref.get(yield* Submitted)).toHaveLength(1)
        const noted = yield* Ref.get(yield* Noted)
        expect(noted).toMatchObject([{ refused: { point: "D06" }, asked: { principal: other.publicKey } }])
        expect((yield* Effect.promise(() => request(other, "GET", "/jobs"))).status).toBe(200)
      }).pipe(Effect.provide(layer(data)))
    )
  )
})
