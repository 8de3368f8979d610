/** The services' public face: a port of its own, where the Host header says who is meant. */
import { createServer, type IncomingMessage, type Server } from "node:http"
import { createServer as createSecure } from "node:https"
import type { AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Server as TlsServer } from "node:tls"
import { Data, Effect, FiberSet, type Scope } from "effect"
import type { Secure } from "../tls/Secure.js"
import type { Destinations } from "./Destinations.js"
import * as PublicPorts from "./PublicPorts.js"
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
  readonly maxConnections?: number
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
  keepAliveTimeout: 65_000
}
const usualConnections = 16_384

const serverOf = ({ maxConnections = usualConnections, secure }: Options): Server => {
  const server = secure === undefined ? createServer(limits) : createSecure({ ...limits, ...secure.options() })
  server.maxConnections = maxConnections
  return server.on("clientError", (_: Error, socket: Duplex) => socket.destroy())
}

const isSocket = (stream: Duplex): stream is Socket => "setKeepAlive" in stream

type Run = (visit: Effect.Effect<void>) => unknown

const welcome = (server: Server, visiting: Effect.Effect.Success<typeof Visiting.make>, run: Run): void => {
  server.on("request", (request, response) => run(visiting.request(request, response)))
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Its own errors end it; nobody else listens before the proxy does.
    socket.on("error", () => socket.destroy())
    if (isSocket(socket)) run(visiting.upgrade(request, socket, head))
    else socket.destroy()
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

/** Accepts visitors once it resolves, until the scope ends. */
export const start = (options: Options): Effect.Effect<Bound, ProxyCannotListen, Destinations | Scope.Scope> =>
  Effect.gen(function* () {
    const visiting = yield* Visiting.make
    const ports = yield* PublicPorts.make(options.host)
    const server = yield* Effect.acquireRelease(
      Effect.sync(() => serverOf(options)),
      closed
    )
    const run = yield* FiberSet.makeRuntime<never>()
    yield* Effect.addFinalizer(() => Effect.sync(() => stop(server)))
    welcome(server, visiting, run)
    if (options.secure !== undefined && server instanceof TlsServer) yield* options.secure.follow(server)
    const [first, ...others] = options.ports
    const { port } = yield* others.reduce(
      (before, other) => Effect.orElse(before, () => listen(server, options.host, other)),
      listen(server, options.host, first)
    )
    return { port, run: ports.run }
  })
