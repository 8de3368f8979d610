/** The only way out of a semitrusted container: an HTTP proxy on a UNIX socket; the membrane brings the connections. */
import { chmodSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { Data, Effect, FiberHandle, FiberSet } from "effect"
import { EgressTable } from "../projections/EgressTable.js"
import * as Gate from "./Gate.js"
import * as Resolver from "./Resolver.js"
import * as Interception from "./substitution/Interception.js"
import * as Visit from "./Visit.js"
import * as Visitors from "./Visitors.js"

export class EgressCannotListen extends Data.TaggedError("EgressCannotListen")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

export interface Options {
  /** Of the socket; its directory is private already, and nothing is there. */
  readonly path: string
  /** Ports that nobody reaches. */
  readonly closedPorts: ReadonlyArray<number>
  /** DNS servers, `address[:port]`; none: those of this host. */
  readonly resolvers: ReadonlyArray<string>
  /** Whom to believe that a host is who it says, where values are put in, as PEM; asked once. */
  readonly roots: () => string
  readonly perContainer?: number
  readonly total?: number
}

interface EgressProxy {
  /** Connections open now. */
  readonly size: () => number
  /** Closes what a change of the lists refuses, for ever. */
  readonly run: Effect.Effect<never>
}

const PER_CONTAINER = 128
const TOTAL = 4_096

const listen = (server: Server, path: string): Effect.Effect<void, EgressCannotListen> =>
  Effect.async((resume) => {
    const fail = ({ message }: Error) => resume(new EgressCannotListen({ reason: `egress socket: ${message}` }))
    server.once("error", fail)
    server.listen({ path, backlog: 1_024 }, () => {
      server.off("error", fail)
      // Node makes the socket with the process's umask: its private directory kept others out until now.
      chmodSync(path, 0o600)
      resume(Effect.void)
    })
  })

/** Said once in a while, however often it is so. */
const lost = (reason: string) =>
  Effect.zipRight(Effect.logWarning(`a container's connection was lost: ${reason}`), Effect.sleep("1 minute"))

const close = (server: Server) =>
  Effect.async<void>((resume) => {
    if (server.listening) server.close(() => resume(Effect.void))
    else resume(Effect.void)
  })

/** Listens once it resolves, until the scope ends; connections end before that. */
export const make = ({ closedPorts, path, perContainer = PER_CONTAINER, resolvers, roots, total = TOTAL }: Options) =>
  Effect.gen(function* () {
    const table = yield* EgressTable
    const gate = yield* Gate.make({ closedPorts, resolve: Resolver.make({ servers: resolvers }) })
    const visitors = Visitors.make({ perContainer, total })
    const visit = Visit.make(gate, visitors, yield* Interception.make({ roots }))
    const server = yield* Effect.acquireRelease(
      Effect.sync(() => createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true })),
      close
    )
    // After the server, so that they end before it waits for their connections.
    const fork = yield* FiberSet.makeRuntime<never>()
    server.maxConnections = total
    server.on("connection", (socket) => {
      // Its end is seen by whoever uses it; an error that nobody listens to must not be the end of the process.
      socket.on("error", () => socket.destroy())
      fork(visit(socket))
    })
    const tell = yield* FiberHandle.makeRuntime<never>()
    // What cannot be accepted now, for want of descriptors, is not the end of those that were.
    server.on("error", ({ message }) => {
      if (server.listening) tell(lost(message), { onlyIfMissing: true })
    })
    yield* listen(server, path)

    const judge = (seen: number) =>
      Effect.gen(function* () {
        yield* table.changed(seen)
        const now = table.changes()
        for (const { destination, socket } of visitors.all())
          if (destination !== undefined)
            yield* Effect.catchAll(gate.still(destination), () => Effect.sync(() => socket.destroy()))
        return now
      })
    const run = Effect.iterate(table.changes(), { while: () => true, body: judge })
    return { size: visitors.size, run: Effect.zipRight(run, Effect.never) } satisfies EgressProxy
  })
