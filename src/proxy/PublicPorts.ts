/** Public TCP ports: each leads to one service, byte for byte, as long as that service has it. */
import { createServer, type Server, type Socket } from "node:net"
import { pipeline } from "node:stream"
import { Effect, FiberHandle, FiberSet } from "effect"
import type { ServiceId } from "../../events/Ids.js"
import { Destinations, type PublicPort } from "./Destinations.js"

const LOOK_EVERY = "1 second"
/** Of one port. */
const CONNECTIONS = 1_024
/** Of one connection, in either direction; a game's or a shell's client sends something far more often. */
const IDLE_MILLIS = 3_600_000

const both = (visitor: Socket, inside: Socket): Effect.Effect<void> =>
  Effect.async((resume) => {
    let open = 2
    const ended = () => {
      open -= 1
      if (open === 0) resume(Effect.void)
    }
    // Half-closing is passed on; an error on either side ends both.
    pipeline(visitor, inside, ended)
    pipeline(inside, visitor, ended)
    return Effect.sync(() => {
      visitor.destroy()
      inside.destroy()
    })
  })

const closed = (server: Server) =>
  Effect.async<void>((resume) => {
    server.close(() => resume(Effect.void))
  })

/** Said once in a while, however often it is so. */
const lost = (port: string, reason: string) =>
  Effect.zipRight(Effect.logWarning(`a connection to ${port} was lost: ${reason}`), Effect.sleep("1 minute"))

interface PublicPorts {
  /** Opens and closes ports as services get and lose them; never ends. Interrupting it closes all. */
  readonly run: Effect.Effect<never>
}

/**
 * A port that somebody else has taken is tried again with every look. There are at most `connections` in all, and one port
 * cannot have them all.
 */
export const make = (host: string, connections: number) =>
  Effect.gen(function* () {
    const destinations = yield* Destinations
    const open = new Map<number, { readonly service: ServiceId; readonly server: Server }>()
    const visitors = new Map<number, Set<Socket>>()
    const run = yield* FiberSet.makeRuntime<never>()
    const tell = yield* FiberHandle.makeRuntime<never>()
    let all = 0

    const visit = (service: ServiceId, visitor: Socket) =>
      Effect.gen(function* () {
        const destination = yield* destinations.byService(service)
        if (destination._tag !== "Ready") return
        const inside = yield* destination.dial
        yield* both(visitor, inside)
      }).pipe(
        Effect.scoped,
        Effect.catchTag("Unreachable", () => Effect.void),
        Effect.ensuring(Effect.sync(() => visitor.destroy()))
      )

    const welcome = ({ port, service }: PublicPort, visitor: Socket): void => {
      visitor.on("error", () => visitor.destroy())
      if (all >= connections) {
        visitor.destroy()
        return
      }
      const here = visitors.get(port)
      here?.add(visitor)
      all += 1
      visitor.on("close", () => {
        here?.delete(visitor)
        all -= 1
      })
      visitor.setTimeout(IDLE_MILLIS, () => visitor.destroy())
      run(visit(service, visitor))
    }

    const start = (one: PublicPort) =>
      Effect.async<void>((resume) => {
        const server = createServer({ allowHalfOpen: true, noDelay: true }, (visitor) => welcome(one, visitor))
        server.maxConnections = Math.min(CONNECTIONS, Math.ceil(connections / 2))
        const named = `port ${one.port} of ${one.service}`
        // For want of descriptors there may be more than one, long after it listens.
        server.on("error", ({ message }) => {
          if (server.listening) tell(lost(named, message), { onlyIfMissing: true })
          else resume(Effect.logWarning(`${named} cannot be listened on: ${message}`))
        })
        server.listen({ host, port: one.port }, () => {
          open.set(one.port, { service: one.service, server })
          visitors.set(one.port, new Set())
          resume(Effect.void)
        })
      })

    const stop = (port: number) =>
      Effect.suspend(() => {
        const one = open.get(port)
        open.delete(port)
        for (const visitor of visitors.get(port) ?? []) visitor.destroy()
        visitors.delete(port)
        return one === undefined ? Effect.void : closed(one.server)
      })

    const look = Effect.gen(function* () {
      const wanted = new Map((yield* destinations.publicPorts).map((one) => [one.port, one] as const))
      for (const [port, { service }] of [...open]) if (wanted.get(port)?.service !== service) yield* stop(port)
      for (const [port, one] of wanted) if (!open.has(port)) yield* start(one)
    }).pipe(Effect.catchTag("Unreachable", () => Effect.void))

    const stopAll = Effect.suspend(() => Effect.forEach([...open.keys()], stop, { discard: true }))
    return {
      run: Effect.ensuring(Effect.forever(Effect.zipRight(look, Effect.sleep(LOOK_EVERY))), stopAll)
    } satisfies PublicPorts
  })
