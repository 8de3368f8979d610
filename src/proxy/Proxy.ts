/** The services' public face: a port of its own, where the Host header says who is meant. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
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

interface Handlers {
  readonly request: (request: IncomingMessage, response: ServerResponse) => void
  readonly upgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void
}

const isSocket = (stream: Duplex): stream is Socket => "setKeepAlive" in stream

const serverOf = ({ request, upgrade }: Handlers, { maxConnections = usualConnections, secure }: Options): Server => {
  const server =
    secure === undefined ? createServer(limits, request) : createSecure({ ...limits, ...secure.options() }, request)
  server.maxConnections = maxConnections
  server.on("upgrade", (one: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Its own errors end it; nobody else listens before the proxy does.
    socket.on("error", () => socket.destroy())
    if (isSocket(socket)) upgrade(one, socket, head)
    else socket.destroy()
  })
  server.on("clientError", (_: Error, socket: Duplex) => socket.destroy())
  return server
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

/** What is under way is cut: the services go on, and their visitors come again. */
const close = (server: Server) =>
  Effect.async<void>((resume) => {
    if (!server.listening) return resume(Effect.void)
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

/** Accepts visitors once it resolves, until the scope ends. */
export const start = (options: Options): Effect.Effect<Bound, ProxyCannotListen, Destinations | Scope.Scope> =>
  Effect.gen(function* () {
    const visiting = yield* Visiting.make
    const ports = yield* PublicPorts.make(options.host)
    const server = yield* Effect.acquireRelease(
      Effect.gen(function* () {
        const run = yield* FiberSet.makeRuntime<never>()
        const handlers: Handlers = {
          request: (request, response) => run(visiting.request(request, response)),
          upgrade: (request, socket, head) => run(visiting.upgrade(request, socket, head))
        }
        return serverOf(handlers, options)
      }),
      close
    )
    if (options.secure !== undefined && server instanceof TlsServer) yield* options.secure.follow(server)
    const [first, ...others] = options.ports
    const { port } = yield* others.reduce(
      (before, other) => Effect.orElse(before, () => listen(server, options.host, other)),
      listen(server, options.host, first)
    )
    return { port, run: ports.run }
  })
