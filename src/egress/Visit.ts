/** One connection of a container: whose it is, the one request that it makes, and what becomes of that. */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Effect, type Scope } from "effect"
import * as Answering from "./Answering.js"
import * as Asking from "./Asking.js"
import * as Closing from "./Closing.js"
import * as Dialing from "./Dialing.js"
import { answerOf, type Failure } from "./Failure.js"
import * as Forwarding from "./Forwarding.js"
import type { Gate } from "./Gate.js"
import * as Joining from "./Joining.js"
import * as Preface from "./Preface.js"
import * as Going from "./substitution/Going.js"
import type { Interception } from "./substitution/Interception.js"
import * as Target from "./Target.js"
import { Crowded, type Visitor, type Visitors } from "./Visitors.js"

export const make = (gate: Gate, visitors: Visitors, interception: Interception) => {
  const next = Asking.make("connect")
  const forwarding = Forwarding.make(Joining.SILENCE_MILLIS)

  /** As long as the visitor waits for it: whoever is gone needs no answer any more. */
  const reach = (visitor: Visitor, target: Target.Target): Effect.Effect<Socket, Failure, Scope.Scope> =>
    Effect.gen(function* () {
      visitor.destination = yield* gate.check(visitor.container, target)
      // The lists may have changed while it was judged; from here on a change finds it.
      yield* gate.still(visitor.destination)
      return yield* Dialing.dial(visitor.destination)
    }).pipe(Effect.raceFirst(Effect.zipRight(Closing.closed(visitor.socket), Effect.interrupt)))

  const tunnel = (visitor: Visitor, { head, request }: Asking.Asked) =>
    Effect.gen(function* () {
      const { container, socket } = visitor
      const target = yield* Target.ofAuthority(request.url ?? "")
      const inhabitant = yield* interception.of(container)
      const going = inhabitant === undefined ? undefined : Going.connecting(inhabitant, target)
      const upstream = yield* reach(visitor, target)
      if (going !== undefined) return yield* interception.tunnel(going, socket, head, upstream)
      if (head.length > 0) socket.unshift(head)
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n")
      yield* Joining.join(socket, upstream)
    })

  const forward = (visitor: Visitor, request: IncomingMessage, response: ServerResponse) =>
    Effect.gen(function* () {
      const resource = yield* Target.ofUrl(request.url ?? "")
      const inhabitant = yield* interception.of(visitor.container)
      const going = inhabitant === undefined ? undefined : Going.asking(inhabitant, resource)
      const upstream = yield* reach(visitor, going?.target ?? resource)
      if (going !== undefined) {
        const asked = { request, response, head: Buffer.alloc(0) }
        return yield* interception.forward(going, asked, resource.path, visitor.socket, upstream)
      }
      if (inhabitant !== undefined) yield* interception.passing(inhabitant, request, resource)
      yield* forwarding.forward(resource, upstream, request, response)
    })

  const serve = (visitor: Visitor, asked: Asking.Asked) => {
    const { request, response } = asked
    const carried = response === undefined ? tunnel(visitor, asked) : forward(visitor, request, response)
    const refuse = (failure: Failure) => {
      if (response === undefined) Answering.hangUp(visitor.socket, answerOf(failure))
      else Answering.answer(response, answerOf(failure))
      return Closing.lingering(visitor.socket)
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
        return Closing.lingering(socket)
      }),
      Effect.scoped,
      Effect.ensuring(Effect.sync(() => socket.destroy()))
    )
}
