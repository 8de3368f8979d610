/** One visitor's request, carried to the service and back: over a kept connection where it may be sent twice, else over one of its own. */
import { Agent, type IncomingMessage, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { ProxyServer } from "httpxy"
import type { ServiceId } from "../../events/Ids.js"
import { type Destination, Destinations, Unreachable } from "./Destinations.js"
import * as HostName from "./HostName.js"
import * as Lines from "./Lines.js"
import * as Refusing from "./Refusing.js"

/** Requests under way to one service, as many as its container has relays beside those that are kept; waiting for its thaw is under way too. */
const PER_SERVICE = 1_024 - Lines.KEPT
/** Without a byte of the answer; longer than clients wait. */
const SILENCE_MILLIS = 300_000
const UPGRADE_MILLIS = 30_000
/** How a connection fails that ended while it was kept. */
const HUNG_UP = ["ECONNRESET", "EPIPE"]

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

/** How long a connection lasts is each side's own affair: the visitor's wish is not the service's, nor the other way round. */
const separately = (proxy: ProxyServer<IncomingMessage, ServerResponse>) => {
  const wishes = new WeakMap<IncomingMessage, string>()
  proxy.on("proxyRes", (answer, { headers }, { req }) => {
    delete answer.headers.connection
    const wish = wishes.get(req)
    if (wish !== undefined) headers.connection = wish
  })
  return (request: IncomingMessage): void => {
    const { connection } = request.headers
    if (connection !== undefined) wishes.set(request, connection)
    delete request.headers.connection
  }
}

type Ready = Extract<Destination, { readonly _tag: "Ready" }>
type Carry = (ready: Ready) => Effect.Effect<void, Unreachable, Scope.Scope>

interface Visiting {
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

/** A kept connection may end under it: only what asks for nothing to be done, and has no body, is sent again. */
const repeatable = ({ headers, method }: IncomingMessage): boolean =>
  (method === "GET" || method === "HEAD") &&
  headers["content-length"] === undefined &&
  headers["transfer-encoding"] === undefined

export const make = Effect.gen(function* () {
  const destinations = yield* Destinations
  const lineTo = yield* Lines.make
  const proxy = new ProxyServer({ xfwd: true, upgradeTimeout: UPGRADE_MILLIS, proxyTimeout: SILENCE_MILLIS })
  const withoutWish = separately(proxy)
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

  /** Resolves when the answer has left or the visitor has. */
  const through = (
    request: IncomingMessage,
    response: ServerResponse,
    agent: Agent
  ): Effect.Effect<void, Unreachable> =>
    Effect.async((resume) => {
      const left = () => resume(Effect.void)
      if (response.destroyed) return left()
      response.once("close", left)
      proxy.web(request, response, { target, agent }).catch((error: unknown) => {
        response.off("close", left)
        const reason = error instanceof Error ? error.message : "it hung up"
        const hungUp = error instanceof Error && "code" in error && HUNG_UP.includes(String(error.code))
        resume(new Unreachable({ reason, hungUp }))
      })
      return Effect.sync(() => response.destroy())
    })

  const carryRequest =
    (request: IncomingMessage, response: ServerResponse): Carry =>
    ({ asleep, dial, line: name }) => {
      // Its answer would come when somebody wakes it; a visitor who comes again does that.
      const given = Effect.zipRight(
        asleep,
        Effect.sync(() => {
          if (!response.headersSent)
            Refusing.answer(response, Refusing.unreachable("it was frozen, or ended, meanwhile"))
        })
      )
      const sent = (agent: Agent) =>
        Effect.zipRight(Effect.forkScoped(Effect.interruptible(given)), through(request, response, agent))
      const anew = Effect.flatMap(dial, (socket) => sent(new Once(socket)))
      withoutClaims(request)
      withoutWish(request)
      if (!repeatable(request)) return anew
      return Effect.flatMap(lineTo(name, dial), ({ kept, line }) => {
        const stale = ({ hungUp }: Unreachable) =>
          kept && hungUp === true && !response.headersSent && !response.destroyed
        return Effect.catchIf(sent(line), stale, () => anew)
      })
    }

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
