/** One request to a service and its answer back, over a connection that is its own meanwhile. */
import { Agent, type IncomingMessage, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Effect } from "effect"
import { ProxyServer } from "httpxy"
import * as Answer from "../strangers/Answer.js"
import * as Guarding from "../strangers/Guarding.js"
import * as Claims from "./Claims.js"
import { type Destination, Unreachable } from "./Destinations.js"
import * as Lingering from "./Lingering.js"
import * as Refusing from "./Refusing.js"

/** Without a byte of the answer; longer than clients wait. */
const SILENCE_MILLIS = 300_000
const UPGRADE_MILLIS = 30_000
/** How a connection fails that ended while it was kept. */
const HUNG_UP = ["ECONNRESET", "EPIPE"]

const target = { protocol: "http:", host: "service", port: 80 }

/** Hands out the one connection that was made for this request. */
export class Once extends Agent {
  constructor(private readonly connected: Socket) {
    super({ keepAlive: false, maxSockets: 1 })
  }
  override createConnection(): Socket {
    return this.connected
  }
}

const failed = (error: unknown) => {
  const reason = error instanceof Error ? error.message : "it hung up"
  const hungUp = error instanceof Error && "code" in error && HUNG_UP.includes(String(error.code))
  return new Unreachable({ reason, hungUp })
}

/** The visitor has the answer, or is gone; the result takes it back. */
const onLeft = (response: ServerResponse, left: () => void): (() => void) => {
  const { socket } = response.req
  // Node closes the response whose turn it is; those that wait behind it on the same connection, nobody.
  const waits = response.socket === null
  if (waits) socket.setMaxListeners(0).once("close", left)
  response.once("close", left)
  return () => {
    response.off("close", left)
    if (waits) socket.off("close", left)
  }
}

const guarded = (proxy: ProxyServer): ProxyServer =>
  Guarding.guarded(proxy, {
    passes: Claims.giveBackWish,
    refused: (response) => Refusing.answer(response, Refusing.garbled)
  }).on("proxyReqWs", (sent, _, visitor) => {
    // The service stays with HTTP.
    sent.once("response", (answer) => {
      if (Answer.passes(answer)) return Lingering.after(visitor)
      answer.destroy()
      Refusing.hangUp(visitor, Refusing.garbled)
    })
  })

type Asleep = Extract<Destination, { readonly _tag: "Ready" }>["asleep"]

export const make = () => {
  const proxy = guarded(new ProxyServer({ xfwd: true, upgradeTimeout: UPGRADE_MILLIS, proxyTimeout: SILENCE_MILLIS }))

  /** Resolves when the answer has left or the visitor has. */
  const through = (
    request: IncomingMessage,
    response: ServerResponse,
    agent: Agent,
    asleep: Asleep
  ): Effect.Effect<void, Unreachable> =>
    Effect.async((resume) => {
      const end = (outcome: Effect.Effect<void, Unreachable>) => {
        forget()
        awake()
        resume(outcome)
      }
      if (response.destroyed || request.socket.destroyed) return resume(Effect.void)
      const forget = onLeft(response, () => end(Effect.void))
      // Its answer would come when somebody wakes it; a visitor who comes again does that.
      const awake = asleep(() => {
        if (!response.headersSent) Refusing.answer(response, Refusing.unreachable("it was frozen, or ended, meanwhile"))
      })
      if (!response.headersSent)
        proxy.web(request, response, { target, agent }).catch((error: unknown) => end(failed(error)))
      return Effect.sync(() => {
        forget()
        awake()
        response.destroy()
      })
    })

  /** Resolves when the visitor's connection, upgraded or not, has closed. */
  const upgraded = (request: IncomingMessage, visitor: Socket, head: Buffer, inside: Socket): Effect.Effect<void> =>
    Effect.async((resume) => {
      if (visitor.destroyed) return resume(Effect.void)
      visitor.once("close", () => resume(Effect.void))
      // Headers are bytes, one character each, also where another protocol begins.
      visitor.setDefaultEncoding("latin1")
      proxy.ws(request, visitor, { target, agent: new Once(inside) }, head).catch(() => visitor.destroy())
      return Effect.sync(() => visitor.destroy())
    })

  return { through, upgraded }
}
