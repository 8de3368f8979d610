/** The last resort of every request: whatever failed is answered in the shape of an error, and nothing inner is shown. */
import { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Cause, Effect, Stream } from "effect"
import * as Credentials from "../guards/Credentials.js"
import { isTold, Refusals } from "../guards/Refusals.js"
import { Problem, render } from "./Problem.js"
import { askedOf } from "./Refusing.js"
import * as Routes from "./Routes.js"
import { linger } from "./wire/Linger.js"
import * as RequestId from "./wire/RequestId.js"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

const undecodable = ({ issues: [issue] }: HttpApiDecodeError): Problem => {
  const field = issue?.path.map(String).join(".") ?? ""
  const message = `\`${field}\`: ${issue?.message ?? "not well-formed"}`
  return new Problem({ status: 400, code: "invalid_parameter", message: message.slice(0, 300), details: { field } })
}

const broken = (trace: string) =>
  new Problem({
    status: 500,
    code: "internal_error",
    message: "Something is wrong in the server. Give the operator the request id.",
    details: { request_id: trace }
  })

const stopping = new Problem({
  status: 503,
  code: "stopping",
  message: "The server is stopping. Ask again shortly; a job that was accepted keeps its id.",
  retryAfterSeconds: 2
})

const problemOf = (error: unknown, request: Request): Problem | undefined => {
  if (error instanceof Problem) return error
  if (error instanceof HttpApiDecodeError) return undecodable(error)
  if (HttpServerError.isServerError(error) && error._tag === "RouteNotFound")
    return Routes.missing(request.method, request.url)
  return undefined
}

/** Whoever is still sending gets the answer first; then the line is closed. */
const lingering = (request: Request, response: Response): Response => {
  const source = NodeHttpServerRequest.toIncomingMessage(request)
  const { body } = response
  if (source.complete || body._tag !== "Uint8Array") return response
  const rest = Stream.concat(Stream.succeed(body.body), Stream.drain(Stream.fromEffect(linger(source))))
  return HttpServerResponse.stream(rest, {
    status: response.status,
    headers: response.headers,
    contentType: body.contentType,
    contentLength: body.contentLength
  })
}

/** The line ends with this answer: it says so, or who called has asked for that. */
const last = (problem: Problem, request: Request): boolean =>
  problem.headers?.connection === "close" || !NodeHttpServerRequest.toServerResponse(request).shouldKeepAlive

/** What an actor rejected, or the log could not take, was told by nobody yet: who asked for it is known here. */
const tell = (refusals: typeof Refusals.Service, { refused }: Problem, request: Request): Effect.Effect<void> => {
  if (refused === undefined || isTold(refused)) return Effect.void
  const { authorization } = NodeHttpServerRequest.toIncomingMessage(request).headers
  const caller = Credentials.read({ authorization, timestamp: undefined, signature: undefined })
  const note = refusals.note(refused, askedOf(Credentials.principal(caller), request.method, request.url))
  return Effect.catchAllCause(note, (cause) => Effect.logError("a refusal could not be told", cause))
}

export const make = Effect.map(Refusals, (refusals) => {
  const answer = (cause: Cause.Cause<unknown>, request: Request): Effect.Effect<Response> => {
    const problem = problemOf(Cause.squash(cause), request)
    if (problem !== undefined) {
      const response = render(problem)
      return Effect.as(
        tell(refusals, problem, request),
        last(problem, request) ? lingering(request, response) : response
      )
    }
    const trace = RequestId.of(request)
    return Effect.logError("a request failed", cause).pipe(
      Effect.annotateLogs({ trace, method: request.method }),
      Effect.as(render(broken(trace)))
    )
  }

  return <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<never, R> =>
    Effect.catchAllCause(app, (cause) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
        if (!Cause.isInterruptedOnly(cause)) return answer(cause, request)
        // The caller left, or what it waited for did: then there is somebody to tell.
        return NodeHttpServerRequest.toServerResponse(request).destroyed
          ? Effect.interrupt
          : Effect.succeed(render(stopping))
      })
    )
})
