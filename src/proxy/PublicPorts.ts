/** Public TCP ports: each leads to one service, byte for byte, as long as that service has it. */
import { createServer, type Server, type Socket } from "node:net"
import { pipeline } from "node:stream"
import { Effect, FiberSet } from "effect"
import type { ServiceId } from "../../events/Ids.js"
import { Destinations, type PublicPort } from "./Destinations.js"

const LOOK_EVERY = "1 second"
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

interface PublicPorts {
  /** Opens and closes ports as services get and lose them; never ends. Interrupting it closes all. */
  readonly run: Effect.Effect<never>
}

/** A port that somebody else has taken is tried again with every look. */
export const make = (host: string) =>
  Effect.gen(function* () {
    const destinations = yield* Destinations
    const open = new Map<number, { readonly service: ServiceId; readonly server: Server }>()
    const visitors = new Map<number, Set<Socket>>()
    const run = yield* FiberSet.makeRuntime<never>()

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

    const welcome = ({ port, service }: PublicPort, visitor: Socket) => {
      const here = visitors.get(port)
      here?.add(visitor)
      visitor.on("error", () => visitor.destroy()).on("close", () => here?.delete(visitor))
      visitor.setTimeout(IDLE_MILLIS, () => visitor.destroy())
      run(visit(service, visitor))
    }

    const start = (one: PublicPort) =>
      Effect.async<void>((resume) => {
        const server = createServer({ allowHalfOpen: true, noDelay: true }, (visitor) => welcome(one, visitor))
        server.maxConnections = CONNECTIONS
        server.once("error", ({ message }) =>
          resume(Effect.logWarning(`port ${one.port} of ${one.service} cannot be listened on: ${message}`))
        )
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
