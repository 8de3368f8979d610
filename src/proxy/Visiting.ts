/** One visitor's request, carried to the service and back: over a kept connection where it may be sent twice, else over one of its own. */
import type { Agent, IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Effect } from "effect"
import * as Claims from "./Claims.js"
import * as Counted from "./Counted.js"
import { type Destination, Destinations, type Unreachable } from "./Destinations.js"
import * as Exchange from "./Exchange.js"
import * as HostName from "./HostName.js"
import * as Lines from "./Lines.js"
import * as Refusing from "./Refusing.js"

/** Requests under way to one service, as many as its container has relays beside those that are kept; waiting for its thaw is under way too. */
const PER_SERVICE = 1_024 - Lines.KEPT

type Ready = Extract<Destination, { readonly _tag: "Ready" }>
type Carry = (ready: Ready) => Effect.Effect<void, Unreachable>

interface Visiting {
  /** Resolves when the answer has left or the visitor has. */
  readonly request: (request: IncomingMessage, response: ServerResponse) => Effect.Effect<void>
  /** Resolves when the connection, upgraded or not, has closed. */
  readonly upgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => Effect.Effect<void>
}

/** A kept connection may end under it: only what asks for nothing to be done, and has no body, is sent again. */
const repeatable = ({ headers, method }: IncomingMessage): boolean =>
  (method === "GET" || method === "HEAD") &&
  headers["content-length"] === undefined &&
  headers["transfer-encoding"] === undefined

export const make = Effect.gen(function* () {
  const destinations = yield* Destinations
  const lent = yield* Lines.make
  const { through, upgraded } = Exchange.make()
  const counted = Counted.make(PER_SERVICE)

  /** To the destination of the request, or told why not. */
  const visit = (request: IncomingMessage, refuse: (refusal: Refusing.Refusal) => void, carry: Carry) => {
    const told = (refusal: Refusing.Refusal) => Effect.sync(() => refuse(refusal))
    const host = HostName.of(request)
    if (host === undefined) return told(Refusing.noHost)
    return Effect.flatMap(destinations.byHost(host), (destination) => {
      if (destination._tag !== "Ready") return told(Refusing.of(destination))
      const carried = Effect.catchAll(carry(destination), ({ reason }) => told(Refusing.unreachable(reason)))
      return counted(destination.service, carried, told(Refusing.crowded))
    })
  }

  const carryRequest =
    (request: IncomingMessage, response: ServerResponse): Carry =>
    ({ asleep, dial, line: name }) => {
      const sent = (agent: Agent) => through(request, response, agent, asleep)
      const anew = () => Effect.scoped(Effect.flatMap(dial, (socket) => sent(new Exchange.Once(socket))))
      const stale = ({ hungUp }: Unreachable) => hungUp === true && !response.headersSent && !response.destroyed
      Claims.dropWithWish(request)
      if (!repeatable(request)) return anew()
      return lent(name, dial, ({ kept, line }) => (kept ? Effect.catchIf(sent(line), stale, anew) : sent(line)))
    }

  const carryUpgrade =
    (request: IncomingMessage, visitor: Socket, head: Buffer): Carry =>
    ({ dial }) => {
      Claims.drop(request)
      return Effect.scoped(Effect.flatMap(dial, (inside) => upgraded(request, visitor, head, inside)))
    }

  return {
    request: (request, response) =>
      visit(request, (refusal) => Refusing.answer(response, refusal), carryRequest(request, response)),
    upgrade: (request, socket, head) =>
      visit(request, (refusal) => Refusing.hangUp(socket, refusal), carryUpgrade(request, socket, head))
  } satisfies Visiting
})
