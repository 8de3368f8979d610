/** The services' public face: a port of its own, where the Host header says who is meant. */
import { createServer, type IncomingMessage, type Server } from "node:http"
import { createServer as createSecure } from "node:https"
import type { AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Server as TlsServer } from "node:tls"
import { Data, Effect, FiberHandle, FiberSet, type Scope } from "effect"
import type { Secure } from "../tls/Secure.js"
import { Destinations } from "./Destinations.js"
import * as Dials from "./Dials.js"
import * as PublicPorts from "./PublicPorts.js"
import * as Upgrading from "./Upgrading.js"
import * as Visiting from "./Visiting.js"

/** The address cannot be listened on; the reason names the fix. */
export class ProxyCannotListen extends Data.TaggedError("ProxyCannotListen")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

interface Options {
  readonly host: string
  /** In the order of preference, 0: a free one; the last one's failure is ours. */
  readonly ports: readonly [number, ...ReadonlyArray<number>]
  /** Connections beyond it are closed at once. */
  readonly maxConnections?: number
  /** The same for all public ports together. */
  readonly publicConnections?: number
  /** Without it the line is plain. */
  readonly secure?: Secure
}

interface Bound {
  readonly port: number
  /** Keeps the public ports in step; never ends. */
  readonly run: Effect.Effect<never>
}

const limits = {
  maxHeaderSize: 32 * 1024,
  headersTimeout: 10_000,
  // Uploads may be long; a visitor costs one connection, and those are bounded.
  requestTimeout: 0,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000
}
const usual = { maxConnections: 16_384, publicConnections: 8_192 }

type Complete = Options & typeof usual

const serverOf = ({ maxConnections, secure }: Complete): Server => {
  const server = secure === undefined ? createServer(limits) : createSecure({ ...limits, ...secure.options() })
  server.maxConnections = maxConnections
  return server.on("clientError", (_: Error, socket: Duplex) => socket.destroy())
}

const isSocket = (stream: Duplex): stream is Socket => "setKeepAlive" in stream

type Run = (visit: Effect.Effect<void>) => unknown

const welcome = (server: Server, visiting: Effect.Effect.Success<typeof Visiting.make>, run: Run): void => {
  server.on("request", (request, response) => run(visiting.request(request, response)))
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isSocket(socket)) return socket.destroy()
    if (!Upgrading.isCarried(request)) return Upgrading.ignore(server, request, socket, head)
    // Its own errors end it; nobody else listens before the proxy does.
    socket.on("error", () => socket.destroy())
    run(visiting.upgrade(request, socket, head))
  })
}

const listen = (server: Server, host: string, port: number): Effect.Effect<AddressInfo, ProxyCannotListen> =>
  Effect.async((resume) => {
    const fail = ({ message }: Error) =>
      resume(new ProxyCannotListen({ reason: `${message}. Choose another with --proxy-port.` }))
    server.once("error", fail)
    server.listen({ host, port, backlog: 4_096 }, () => {
      server.off("error", fail)
      const address = server.address()
      if (address === null || typeof address === "string") return fail(new Error("the proxy has no address"))
      resume(Effect.succeed(address))
    })
  })

/** Nobody is let in any more, and what is under way is cut: the services go on, and their visitors come again. */
const stop = (server: Server) => {
  server.close()
  server.closeAllConnections()
}

/** Upgraded connections are not among those that the server itself closes: their visits end before. */
const closed = (server: Server) =>
  Effect.async<void>((resume) => {
    server.close(() => resume(Effect.void))
  })

/** Said once in a while, however often it is so. */
const lost = (reason: string) =>
  Effect.zipRight(Effect.logWarning(`a visitor's connection was lost: ${reason}`), Effect.sleep("1 minute"))

/** Accepts visitors once it resolves, until the scope ends. */
export const start = (given: Options): Effect.Effect<Bound, ProxyCannotListen, Destinations | Scope.Scope> =>
  Effect.gen(function* () {
    const options = { ...usual, ...given }
    const { maxConnections, publicConnections } = options
    // One line on for each that may come in.
    const destinations = Dials.within(yield* Destinations, maxConnections + publicConnections)
    const visiting = yield* Effect.provideService(Visiting.make, Destinations, destinations)
    const ports = yield* Effect.provideService(
      PublicPorts.make(options.host, publicConnections),
      Destinations,
      destinations
    )
    const server = yield* Effect.acquireRelease(
      Effect.sync(() => serverOf(options)),
      closed
    )
    const run = yield* FiberSet.makeRuntime<never>()
    yield* Effect.addFinalizer(() => Effect.sync(() => stop(server)))
    welcome(server, visiting, run)
    if (options.secure !== undefined && server instanceof TlsServer) yield* options.secure.follow(server)
    const tell = yield* FiberHandle.makeRuntime<never>()
    // What cannot be accepted now, for want of descriptors, is not the end of those that were.
    server.on("error", ({ message }) => {
      if (server.listening) tell(lost(message), { onlyIfMissing: true })
    })
    const [first, ...others] = options.ports
    const { port } = yield* others.reduce(
      (before, other) => Effect.orElse(before, () => listen(server, options.host, other)),
      listen(server, options.host, first)
    )
    return { port, run: ports.run }
  })
