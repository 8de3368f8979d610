/** One connection of a container: whose it is, the one request that it makes, and what becomes of that. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { Refused } from "../guards/Guard.js"
import * as Answering from "./Answering.js"
import * as Dialing from "./Dialing.js"
import * as Forwarding from "./Forwarding.js"
import type { Gate } from "./Gate.js"
import * as Joining from "./Joining.js"
import * as Preface from "./Preface.js"
import * as Target from "./Target.js"
import { Crowded, type Visitor, type Visitors } from "./Visitors.js"

const HEAD_WITHIN = "10 seconds"
/** Who was told no may read that, but not keep the connection by never closing its side. */
const LINGER = "1 second"
const HEAD_BYTES = 16 * 1024

/** What a visitor asks for; `response` is missing for CONNECT, which gets the connection itself. */
interface Asked {
  readonly request: IncomingMessage
  readonly head: Buffer
  readonly response: ServerResponse | undefined
}

type Failure = Refused | Dialing.Unreached | Target.BadTarget

const answerOf = (failure: Failure): Answering.Answer => {
  if (failure instanceof Refused) return { status: failure.reason.status, text: failure.reason.message }
  if (failure instanceof Target.BadTarget) return { status: 400, text: failure.reason }
  return { status: failure.status, text: `it could not be reached: ${failure.reason}` }
}

/** Whoever is gone needs no answer any more. */
const closed = (socket: Socket): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (socket.destroyed) return resume(Effect.void)
    const end = () => resume(Effect.void)
    socket.once("close", end)
    return Effect.sync(() => socket.off("close", end))
  })

const lingering = (socket: Socket) => Effect.timeoutOption(closed(socket), LINGER)

/** The HTTP server never listens itself: connections are handed to it once their preface is read. */
const httpServer = () => {
  const expected = new Map<unknown, (asked: Asked) => void>()
  const server = createServer({ maxHeaderSize: HEAD_BYTES, requestTimeout: 0 })
  server.maxRequestsPerSocket = 1
  server.timeout = Joining.SILENCE_MILLIS
  const asked = (request: IncomingMessage, response: ServerResponse | undefined, head: Buffer) =>
    expected.get(request.socket)?.({ request, response, head })
  server.on("request", (request, response) => asked(request, response, Buffer.alloc(0)))
  server.on("connect", (request, _, head) => asked(request, undefined, head))
  /** Undefined: it left, or said nothing in time. */
  return (socket: Socket): Effect.Effect<Asked | undefined> =>
    Effect.async<Asked | undefined>((resume) => {
      const left = () => resume(Effect.succeed(undefined))
      expected.set(socket, (found) => resume(Effect.succeed(found)))
      socket.once("close", left)
      server.emit("connection", socket)
      // It was paused by hand, and stays so until somebody says otherwise.
      socket.resume()
      return Effect.sync(() => socket.off("close", left))
    }).pipe(
      Effect.timeoutTo({ duration: HEAD_WITHIN, onTimeout: () => undefined, onSuccess: (found) => found }),
      Effect.ensuring(Effect.sync(() => expected.delete(socket)))
    )
}

export const make = (gate: Gate, visitors: Visitors) => {
  const next = httpServer()
  const forwarding = Forwarding.make(Joining.SILENCE_MILLIS)

  /** As long as the visitor waits for it. */
  const reach = (visitor: Visitor, target: Target.Target): Effect.Effect<Socket, Failure, Scope.Scope> =>
    Effect.gen(function* () {
      visitor.destination = yield* gate.check(visitor.container, target)
      // The lists may have changed while it was judged; from here on a change finds it.
      yield* gate.still(visitor.destination)
      return yield* Dialing.dial(visitor.destination)
    }).pipe(Effect.raceFirst(Effect.zipRight(closed(visitor.socket), Effect.interrupt)))

  const tunnel = (visitor: Visitor, { head, request }: Asked) =>
    Effect.gen(function* () {
      const upstream = yield* reach(visitor, yield* Target.ofAuthority(request.url ?? ""))
      const { socket } = visitor
      if (head.length > 0) socket.unshift(head)
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n")
      yield* Joining.join(socket, upstream)
    })

  const forward = (visitor: Visitor, request: IncomingMessage, response: ServerResponse) =>
    Effect.gen(function* () {
      const resource = yield* Target.ofUrl(request.url ?? "")
      yield* forwarding.forward(resource, yield* reach(visitor, resource), request, response)
    })

  const serve = (visitor: Visitor, asked: Asked) => {
    const { request, response } = asked
    const carried = response === undefined ? tunnel(visitor, asked) : forward(visitor, request, response)
    const refuse = (failure: Failure) => {
      if (response === undefined) Answering.hangUp(visitor.socket, answerOf(failure))
      else Answering.answer(response, answerOf(failure))
      return lingering(visitor.socket)
    }
    return Effect.catchAll(Effect.scoped(carried), refuse)
  }

  /** Never fails; the connection is closed when it is over. */
  return (socket: Socket): Effect.Effect<void> =>
    Effect.gen(function* () {
      const container = yield* Preface.read(socket)
      const visitor = yield* visitors.enter(container, socket)
      const asked = yield* next(socket)
      if (asked !== undefined) yield* serve(visitor, asked)
    }).pipe(
      Effect.catchAll((failure) => {
        if (!(failure instanceof Crowded)) return Effect.void
        Answering.hangUp(socket, { status: 503, text: "too many connections are open already" })
        return lingering(socket)
      }),
      Effect.scoped,
      Effect.ensuring(Effect.sync(() => socket.destroy()))
    )
}
