import * as HttpApi from "@effect/platform/HttpApi"
import { Effect } from "effect"
import { expect } from "vitest"
import { Api } from "../../src/http/Api.js"
import { request } from "../support/client.js"
import { live } from "../support/it.js"
import { caller, inServer } from "./harness.js"

/** The methods that each path answers, as the definition has them. */
const paths = (): ReadonlyMap<string, ReadonlySet<string>> => {
  const found = new Map<string, Set<string>>()
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint: { method, path } }) => {
      const filled = path.replace(/:[^/]+/g, "x")
      found.set(filled, (found.get(filled) ?? new Set()).add(method))
    }
  })
  return found
}

live("every path tells a wrong method from a wrong path, and which are right", () =>
  inServer(
    Effect.gen(function* () {
      const to = yield* caller()
      for (const [path, methods] of paths())
        for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
          if (methods.has(method)) continue
          const { headers, json, status } = yield* Effect.promise(() => request(to, method, path))
          // A longer path may have a place for this one's last part.
          if (status === 404 || (path.endsWith("/x") && status !== 405)) continue
          expect([status, json.error], `${method} ${path}`).toEqual([405, "method_not_allowed"])
          for (const right of methods) expect(headers.allow, `${method} ${path}`).toContain(right)
        }
    })
  )
)
