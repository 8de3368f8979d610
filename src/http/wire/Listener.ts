/** The node server under the API: limits on what a connection may cost, and a stop that lets requests finish. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Data, Duration, Effect, type Scope } from "effect"
import { largestBody } from "./Body.js"
import * as Leaving from "./Leaving.js"
import * as RequestId from "./RequestId.js"

/** The address cannot be listened on; the reason names the fix. */
export class CannotListen extends Data.TaggedError("CannotListen")<{ readonly reason: string }> {}

export interface Options {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** Connections beyond it are closed at once. */
  readonly maxConnections: number
  /** What is in flight at a stop has this long to finish. */
  readonly stopWithin: Duration.DurationInput
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

const limits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  /** For receiving a request only: answers may take as long as a program runs. */
  requestTimeout: 60_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000
}

const lineErrors: Readonly<
  Record<string, { readonly status: string; readonly code: string; readonly message: string }>
> = {
  HPE_HEADER_OVERFLOW: {
    status: "431 Request Header Fields Too Large",
    code: "headers_too_large",
    message: `The headers are larger than ${limits.maxHeaderSize} bytes.`
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: "408 Request Timeout",
    code: "request_timeout",
    message: "The request did not arrive in time."
  }
}
const lingerMillis = 1_000
const notHttp = {
  status: "400 Bad Request",
  code: "malformed_http",
  message: "This is not a well-formed HTTP request."
}

/** Answers what never became a request, in the shape of every other error. */
const onClientError = (error: Error & { readonly code?: string }, socket: Socket): void => {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy()
    return
  }
  const { code, message, status } = lineErrors[error.code ?? ""] ?? notHttp
  const body = JSON.stringify({ error: code, code: code.toUpperCase(), message, details: {} })
  const head = ["Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`, "Connection: close"]
  socket.end(`HTTP/1.1 ${status}\r\n${head.join("\r\n")}\r\n\r\n${body}`)
  // Who never closes its side would keep the connection, and with enough of them everybody else out.
  setTimeout(() => socket.destroy(), lingerMillis).unref()
}

const listen = (server: Server, { host, port }: Options): Effect.Effect<AddressInfo, CannotListen> =>
  Effect.async((resume) => {
    const fail = (error: Error) =>
      resume(new CannotListen({ reason: `${error.message}. Choose another with --host and --port.` }))
    server.once("error", fail)
    server.listen({ host, port, backlog: 4_096 }, () => {
      server.off("error", fail)
      const address = server.address()
      if (address === null || typeof address === "string") return fail(new Error(`no TCP address for ${host}:${port}`))
      resume(Effect.succeed(address))
    })
  })

/** Stops accepting at once, lets what is in flight finish, and cuts what is left at the deadline. */
const stop = (server: Server, inFlight: ReadonlySet<ServerResponse>, within: Duration.DurationInput) =>
  Effect.async<void>((resume) => {
    server.close(() => {
      clearInterval(sweep)
      clearTimeout(deadline)
      resume(Effect.void)
    })
    for (const response of inFlight) {
      if (!response.headersSent) response.setHeader("Connection", "close")
      // It would never finish: its reader comes again.
      if (response.getHeader("content-type") === "text/event-stream") response.destroy()
    }
    const sweep = setInterval(() => server.closeIdleConnections(), 50)
    const deadline = setTimeout(() => server.closeAllConnections(), Duration.toMillis(within))
  })

/** `http://host/path`, as to a proxy, is to be understood by every server; whose name it is does not matter here. */
const originForm = (target: string): string => {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, "")
  return path === target || path.startsWith("/") ? path : `/${path}`
}

const serve = (handler: Handler, options: Options) => {
  const inFlight = new Set<ServerResponse>()
  const leaving = Leaving.make()
  const server = createServer({ ...limits, keepAlive: true, noDelay: true })
  server.maxConnections = options.maxConnections
  server.maxRequestsPerSocket = 0
  server.on("clientError", onClientError)
  const accept: Handler = (request, response) => {
    inFlight.add(response)
    leaving.watch(response)
    response.on("close", () => inFlight.delete(response))
    request.url = originForm(request.url ?? "/")
    RequestId.assign(request, response)
    response.setHeader("X-Content-Type-Options", "nosniff")
    response.setHeader("Cache-Control", "no-store")
    if (!server.listening) response.setHeader("Connection", "close")
    handler(request, response)
  }
  server.on("request", accept)
  // A body that would be refused is not asked for: the refusal is the answer to the expectation.
  server.on("checkContinue", (request, response) => {
    if (!(Number(request.headers["content-length"]) > largestBody)) response.writeContinue()
    accept(request, response)
  })
  return { server, inFlight }
}

export interface Listening {
  readonly address: AddressInfo
  /** From now on requests to become something else go there; until then they are requests like any other. */
  readonly onUpgrade: (upgrade: Upgrade) => void
}

/** Resolves once connections are accepted; the scope's end is the graceful stop. */
export const start = (handler: Handler, options: Options): Effect.Effect<Listening, CannotListen, Scope.Scope> =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() => serve(handler, options)),
      ({ inFlight, server }) => (server.listening ? stop(server, inFlight, options.stopWithin) : Effect.void)
    ),
    ({ server }) =>
      Effect.map(listen(server, options), (address) => ({
        address,
        onUpgrade: (upgrade) => {
          server.on("upgrade", upgrade)
        }
      }))
  )
