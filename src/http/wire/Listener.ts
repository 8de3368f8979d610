/** The node server under the API: limits on what a connection may cost, and a stop that lets requests finish. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { createServer as createSecure } from "node:https"
import type { AddressInfo } from "node:net"
import type { Duplex } from "node:stream"
import { Server as TlsServer } from "node:tls"
import { Data, Duration, Effect, FiberHandle, type Scope } from "effect"
import type { Secure } from "../../tls/Secure.js"
import * as Arrivals from "./Arrivals.js"
import { largestBody } from "./Body.js"
import * as Leaving from "./Leaving.js"
import * as Malformed from "./Malformed.js"
import * as Pipeline from "./Pipeline.js"
import * as RequestId from "./RequestId.js"

/** The address cannot be listened on; the reason names the fix. */
export class CannotListen extends Data.TaggedError("CannotListen")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

interface Options {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** Connections beyond it are closed at once. */
  readonly maxConnections: number
  /** What is in flight at a stop has this long to finish. */
  readonly stopWithin: Duration.DurationInput
  /** Without it the line is plain. */
  readonly secure?: Secure
  readonly arrivals?: typeof Arrivals.Arrivals.Service
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

const limits = {
  maxHeaderSize: Malformed.mostHeaderBytes,
  headersTimeout: 10_000,
  // Bodies have bounds of their own, each as long as it is wanted; node knows only one for all.
  requestTimeout: 0,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  insecureHTTPParser: false,
  // Two signatures are none: whoever sends a header twice means one of them, and another server the other.
  joinDuplicateHeaders: true
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

/** Said once in a while, however often it is so. */
const lost = (reason: string) =>
  Effect.zipRight(Effect.logWarning(`a connection to the API was lost: ${reason}`), Effect.sleep("1 minute"))

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

const made = ({ maxConnections, secure }: Options): Server => {
  const lines = { ...limits, keepAlive: true, noDelay: true }
  const server = secure === undefined ? createServer(lines) : createSecure({ ...lines, ...secure.options() })
  server.maxConnections = maxConnections
  server.maxRequestsPerSocket = 0
  server.maxHeadersCount = 0
  server.on("clientError", Malformed.onClientError)
  return server
}

const serve = (handler: Handler, options: Options) => {
  const inFlight = new Set<ServerResponse>()
  const leaving = Leaving.make()
  const pipeline = Pipeline.make()
  const { arrivals = Arrivals.make() } = options
  const server = made(options)
  const accept: Handler = (request, response) => {
    if (!pipeline.enter(request.socket, response)) return
    if (Malformed.refused(request, response)) return
    inFlight.add(response)
    leaving.watch(response)
    arrivals.watch(request, response)
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

interface Listening {
  readonly address: AddressInfo
  /** From now on requests to become something else go there; until then they are requests like any other. */
  readonly onUpgrade: (upgrade: Upgrade) => void
}

/** Resolves once connections are accepted; the scope's end is the graceful stop. */
export const start = (handler: Handler, options: Options): Effect.Effect<Listening, CannotListen, Scope.Scope> =>
  Effect.gen(function* () {
    const { server } = yield* Effect.acquireRelease(
      Effect.sync(() => serve(handler, options)),
      ({ inFlight, server }) => (server.listening ? stop(server, inFlight, options.stopWithin) : Effect.void)
    )
    if (options.secure !== undefined && server instanceof TlsServer) yield* options.secure.follow(server)
    const tell = yield* FiberHandle.makeRuntime<never>()
    // What cannot be accepted now, for want of descriptors, is not the end of those that were.
    server.on("error", ({ message }) => {
      if (server.listening) tell(lost(message), { onlyIfMissing: true })
    })
    const address = yield* listen(server, options)
    return {
      address,
      onUpgrade: (upgrade) => {
        server.on("upgrade", upgrade)
      }
    }
  })
