/** The id of a request: the caller's own when it is sane, else a fresh one; on every answer and in every event it causes. */
import { randomUUID } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"

const header = "X-Request-Id"
const sane = /^[\w.:-]{1,128}$/

/** Set on the raw response, so that no way to answer can lose it. */
export const assign = (request: IncomingMessage, response: ServerResponse): void => {
  const given = request.headers["x-request-id"]
  response.setHeader(header, typeof given === "string" && sane.test(given) ? given : randomUUID())
}

export const of = (request: HttpServerRequest.HttpServerRequest): string =>
  String(NodeHttpServerRequest.toServerResponse(request).getHeader(header))
