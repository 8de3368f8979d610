/** Every method and path of the API, read off its definition: for telling a wrong path from a wrong method. */
import * as HttpApi from "@effect/platform/HttpApi"
import { Api } from "./Api.js"
import { Problem } from "./Problem.js"

interface Route {
  readonly method: string
  readonly path: RegExp
}

const routes: ReadonlyArray<Route> = (() => {
  const found: Array<Route> = []
  HttpApi.reflect(Api, {
    onGroup: () => undefined,
    onEndpoint: ({ endpoint: { method, path } }) => {
      found.push({ method, path: new RegExp(`^${path.replace(/:[^/]+/g, "[^/]+")}/?$`) })
    }
  })
  return found
})()

/** What answers at a path; HEAD wherever GET does. */
const allowed = (path: string): ReadonlyArray<string> => {
  const methods = routes.filter((route) => route.path.test(path)).map(({ method }) => method)
  return [...new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])))].sort()
}

const longestPath = 200

/** Why nothing answers there. */
export const missing = (method: string, target: string): Problem => {
  const path = (target.split("?", 1)[0] ?? "").slice(0, longestPath)
  const allow = allowed(path)
  // A method that does answer there met a part of the path that cannot be one, such as %zz.
  if (allow.length === 0 || allow.includes(method))
    return new Problem({
      status: 404,
      code: "not_found",
      message: `There is no ${path} here. GET /openapi lists what there is.`
    })
  return new Problem({
    status: 405,
    code: "method_not_allowed",
    message: `${path} does not answer ${method}. Use ${allow.join(" or ")}.`,
    details: { allow },
    headers: { allow: allow.join(", ") }
  })
}
