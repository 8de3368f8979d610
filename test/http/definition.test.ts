import * as HttpApi from "@effect/platform/HttpApi"
import { describe, expect, it } from "vitest"
import { Api } from "../../src/http/Api.js"
import { KnownKey, Signed } from "../../src/http/Authentication.js"
import * as Document from "../../src/http/Document.js"

/** The only endpoints that answer without credentials. */
const open = ["/health", "/languages", "/openapi", "/docs"]
const byKey = ["/cluster", "/pools"]

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
      const expected = open.includes(path) ? [] : [byKey.includes(path) ? KnownKey.key : Signed.key]
      expect(guarded, path).toEqual(expected)
    }
  })

  it("of the contract is there", () => {
    expect(
      endpoints()
        .map(({ method, path }) => `${method} ${path}`)
        .sort()
    ).toEqual([
      "DELETE /jobs/:id",
      "GET /cluster",
      "GET /docs",
      "GET /health",
      "GET /jobs",
      "GET /jobs/:id",
      "GET /jobs/:id/wait",
      "GET /keys/self",
      "GET /languages",
      "GET /openapi",
      "GET /pools",
      "GET /shells",
      "GET /stats",
      "POST /execute",
      "POST /execute/async",
      "POST /jobs/:id/cancel",
      "POST /keys/validate",
      "POST /run",
      "POST /run/async"
    ])
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
