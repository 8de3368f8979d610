import * as HttpApi from "@effect/platform/HttpApi"
import { describe, expect, it } from "vitest"
import { Api } from "../../src/http/Api.js"
import { KnownKey, Signed, SignedByDigest } from "../../src/http/Authentication.js"
import * as Document from "../../src/http/Document.js"

/** The only endpoints that answer without credentials. */
const open = ["/health", "/languages", "/openapi", "/docs", "/keys/extend"]
const byKey = ["/cluster", "/pools"]
/** Too large to be signed as they are. */
const byDigest = ["/images/import"]

const each = (method: string, base: string, ...tails: ReadonlyArray<string>) =>
  tails.map((tail) => `${method} ${base}${tail === "" ? "" : `/${tail}`}`)

/** Every method and path that a client of this API sends, aliases included. */
const contract: ReadonlyArray<string> = [
  ...each("POST", "", "execute", "execute/async", "run", "run/async", "image", "keys/validate", "paas/logs"),
  ...each("GET", "", "languages", "shells", "health", "cluster", "stats", "pools", "openapi", "keys/self", "logs"),
  ...each("GET", "", "logs/stream", "logs/:source", "logs/:source/stream", "paas/logs", "paas/logs/stream"),
  ...["GET /jobs", "GET /jobs/:id", "DELETE /jobs/:id", "POST /jobs/:id/cancel", "GET /jobs/:id/wait"],
  ...["POST /sessions", "GET /sessions", "GET /sessions/:id", "DELETE /sessions/:id", "GET /sessions/:id/shell"],
  ...each("POST", "/sessions/:id", "execute", "freeze", "unfreeze", "lock", "unlock", "snapshot", "restore"),
  ...each("POST", "/sessions/:id", "boost", "unboost", "shell"),
  ...["POST /services", "GET /services", "GET /services/:id", "DELETE /services/:id", "PATCH /services/:id"],
  ...each("POST", "/services/:id", "execute", "freeze", "unfreeze", "lock", "unlock", "redeploy", "snapshot"),
  ...each("POST", "/services/:id", "resize", "env", "env/export"),
  ...["GET /services/:id/logs", "PUT /services/:id/domains"],
  ...["GET /services/:id/env", "PUT /services/:id/env", "DELETE /services/:id/env"],
  ...["POST /snapshots", "GET /snapshots", "GET /snapshots/:id", "DELETE /snapshots/:id"],
  ...each("POST", "/snapshots/:id", "lock", "unlock", "restore", "clone"),
  ...["POST /images", "POST /images/publish", "GET /images/:id", "DELETE /images/:id", "GET /images/:id/trusted"],
  ...each("GET", "/images", "", "owned", "shared", "public"),
  ...each("POST", "/images/:id", "lock", "unlock", "grant", "revoke", "transfer", "visibility", "spawn", "clone"),
  ...each("POST", "/images/:id", "access", "access/grant", "access/revoke", "grant-access", "revoke-access"),
  ...["GET /images/:id/access", "DELETE /images/:id/access", "DELETE /images/:id/access/:key"]
]

/** What we have beside. */
const ours: ReadonlyArray<string> = [
  ...["GET /docs", "GET /keys/extend", "GET /logs/pool/:node", "GET /logs/pool/:node/stream"],
  ...["GET /images/:id/export", "POST /images/import"],
  ...["GET /sessions/:id/recording", "POST /sessions/:id/extend"]
]

interface Endpoint {
  readonly method: string
  readonly path: string
  readonly guarded: ReadonlyArray<string>
}

const endpoints = (): ReadonlyArray<Endpoint> => {
  const found: Array<Endpoint> = []
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint: { method, path }, middleware }) => {
      found.push({ method, path, guarded: [...middleware].map(({ key }) => key) })
    }
  })
  return found
}

describe("every endpoint", () => {
  it("carries authentication, or is one of the few that anybody may ask", () => {
    for (const { guarded, path } of endpoints()) {
      const signed = byDigest.includes(path) ? SignedByDigest.key : Signed.key
      const expected = open.includes(path) ? [] : [byKey.includes(path) ? KnownKey.key : signed]
      expect(guarded, path).toEqual(expected)
    }
  })

  it("of the contract is there, and beside them only those that are named here", () => {
    const found = endpoints().map(({ method, path }) => `${method} ${path}`)
    expect(contract.filter((one) => !found.includes(one))).toEqual([])
    expect(found.filter((one) => !contract.includes(one) && !ours.includes(one))).toEqual([])
  })
})

type Json = Readonly<Record<string, unknown>>
const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)
const entries = (value: unknown): ReadonlyArray<[string, unknown]> => (isJson(value) ? Object.entries(value) : [])
const at = (value: unknown, ...keys: ReadonlyArray<string>): unknown =>
  keys.reduce<unknown>((inner, key) => (isJson(inner) ? inner[key] : undefined), value)

describe("the OpenAPI document", () => {
  const document = Document.make()
  const operations = entries(document.paths).flatMap(([path, methods]) =>
    entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, path, operation }))
  )

  it("is 3.1, has every route, and tells which decision points each passes", () => {
    expect(document.openapi).toBe("3.1.0")
    expect(operations).toHaveLength(endpoints().length)
    for (const { name, operation, path } of operations) {
      const points = at(operation, "x-decision-points")
      expect(Array.isArray(points), name).toBe(true)
      const signed = !open.includes(path) && !byKey.includes(path)
      expect(points, name).toEqual(expect.arrayContaining(signed ? ["D01", "D02", "D03", "D04"] : []))
      expect(at(operation, "security"), name).toEqual(
        signed ? [{ signature: [], timestamp: [], hmac: [] }] : byKey.includes(path) ? [{ publicKey: [] }] : []
      )
    }
  })

  it("says what every route, parameter and field is, and resolves every reference", () => {
    const schemas = at(document, "components", "schemas")
    for (const { name, operation } of operations) {
      expect(at(operation, "summary"), name).toBeTypeOf("string")
      expect(at(operation, "description"), name).toBeTypeOf("string")
      const parameters = at(operation, "parameters")
      for (const parameter of Array.isArray(parameters) ? parameters : [])
        expect(
          at(parameter, "description") ?? at(parameter, "schema", "description"),
          `${name} ${String(at(parameter, "name"))}`
        ).toBeTypeOf("string")
    }
    for (const [schema, shape] of entries(schemas))
      for (const [field, one] of entries(at(shape, "properties"))) {
        const told = at(one, "description") ?? at(one, "$ref") ?? at(one, "items") ?? at(one, "type")
        expect(told, `${schema}.${field}`).toBeDefined()
      }
    for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g))
      expect(isJson(schemas) && reference !== undefined && reference in schemas, reference).toBe(true)
  })

  it("knows one shape of errors", () => {
    expect(JSON.stringify(document)).not.toContain("HttpApiDecodeError")
    for (const { name, operation } of operations)
      for (const [status, response] of entries(at(operation, "responses")))
        if (Number(status) >= 400)
          expect(at(response, "content", "application/json", "schema"), `${name} ${status}`).toEqual({
            $ref: "#/components/schemas/Error"
          })
  })
})
