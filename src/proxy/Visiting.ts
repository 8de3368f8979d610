/** One visitor's request, carried to the service and back over a connection of its own. */
import { Agent, type IncomingMessage, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { ProxyServer } from "httpxy"
import type { ServiceId } from "../../events/Ids.js"
import { type Destination, Destinations, type Unreachable } from "./Destinations.js"
import * as HostName from "./HostName.js"
import * as Refusing from "./Refusing.js"

/** Requests under way to one service, as many as its container has relays; waiting for its thaw is under way too. */
const PER_SERVICE = 1_024
/** Without a byte of the answer; longer than clients wait. */
const SILENCE_MILLIS = 300_000
const UPGRADE_MILLIS = 30_000

/** Hands out the one connection that was made for this request. */
class Once extends Agent {
  constructor(private readonly connected: Socket) {
    super({ keepAlive: false, maxSockets: 1 })
  }
  override createConnection(): Socket {
    return this.connected
  }
}

const target = { protocol: "http:", host: "service", port: 80 }

/** What a visitor says of itself is not what the proxy says of the visitor. */
const withoutClaims = (request: IncomingMessage): void => {
  for (const name of Object.keys(request.headers))
    if (name.startsWith("x-forwarded-") || name === "forwarded" || name === "x-real-ip") delete request.headers[name]
}

type Ready = Extract<Destination, { readonly _tag: "Ready" }>
type Carry = (ready: Ready) => Effect.Effect<void, Unreachable, Scope.Scope>

export interface Visiting {
  /** Resolves when the answer has left or the visitor has. */
  readonly request: (request: IncomingMessage, response: ServerResponse) => Effect.Effect<void>
  /** Resolves when the connection, upgraded or not, has closed. */
  readonly upgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => Effect.Effect<void>
}

const closed = (stream: ServerResponse | Socket): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (stream.destroyed) return resume(Effect.void)
    stream.once("close", () => resume(Effect.void))
    return Effect.sync(() => stream.destroy())
  })

export const make = Effect.gen(function* () {
  const destinations = yield* Destinations
  const proxy = new ProxyServer({ xfwd: true, upgradeTimeout: UPGRADE_MILLIS, proxyTimeout: SILENCE_MILLIS })
  const underWay = new Map<ServiceId, number>()

  const counted = <A, E, R>(service: ServiceId, visit: Effect.Effect<A, E, R>, crowded: Effect.Effect<A>) =>
    Effect.suspend((): Effect.Effect<A, E, R> => {
      const before = underWay.get(service) ?? 0
      if (before >= PER_SERVICE) return crowded
      underWay.set(service, before + 1)
      return Effect.ensuring(
        visit,
        Effect.sync(() => {
          const now = (underWay.get(service) ?? 1) - 1
          if (now === 0) underWay.delete(service)
          else underWay.set(service, now)
        })
      )
    })

  /** To the destination of the request, or told why not. */
  const visit = (request: IncomingMessage, refuse: (refusal: Refusing.Refusal) => void, carry: Carry) =>
    Effect.gen(function* () {
      const told = (refusal: Refusing.Refusal) => Effect.sync(() => refuse(refusal))
      const host = HostName.of(request)
      if (host === undefined) return yield* told(Refusing.noHost)
      const destination = yield* destinations.byHost(host)
      if (destination._tag !== "Ready") return yield* told(Refusing.of(destination))
      const carried = Effect.catchAll(Effect.scoped(carry(destination)), ({ reason }) =>
        told(Refusing.unreachable(reason))
      )
      yield* counted(destination.service, carried, told(Refusing.crowded))
    })

  const carryRequest =
    (request: IncomingMessage, response: ServerResponse): Carry =>
    ({ dial }) =>
      Effect.flatMap(dial, (socket) => {
        if (response.destroyed) return Effect.void
        withoutClaims(request)
        proxy.web(request, response, { target, agent: new Once(socket) }).catch((error: unknown) => {
          Refusing.answer(response, Refusing.unreachable(error instanceof Error ? error.message : "it hung up"))
        })
        return closed(response)
      })

  const carryUpgrade =
    (request: IncomingMessage, visitor: Socket, head: Buffer): Carry =>
    ({ dial }) =>
      Effect.flatMap(dial, (socket) => {
        if (visitor.destroyed) return Effect.void
        withoutClaims(request)
        proxy.ws(request, visitor, { target, agent: new Once(socket) }, head).catch(() => visitor.destroy())
        return closed(visitor)
      })

  return {
    request: (request, response) =>
      visit(request, (refusal) => Refusing.answer(response, refusal), carryRequest(request, response)),
    upgrade: (request, socket, head) =>
      visit(request, (refusal) => Refusing.hangUp(socket, refusal), carryUpgrade(request, socket, head))
  } satisfies Visiting
})
