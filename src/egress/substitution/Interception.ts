/** Requests of containers to hosts that something is marked for: looked into, changed, and carried over TLS. */
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { type Inhabitant, Substitutes } from "../../../actors/egress/Substitutes.js"
import * as Answering from "../Answering.js"
import * as Asking from "../Asking.js"
import * as Closing from "../Closing.js"
import { answerOf, type Failure } from "../Failure.js"
import * as Target from "../Target.js"
import * as Body from "./Body.js"
import * as Budget from "./Budget.js"
import * as Carrying from "./Carrying.js"
import * as Downstream from "./Downstream.js"
import type { Going } from "./Going.js"
import * as Outgoing from "./Outgoing.js"
import * as Upstream from "./Upstream.js"

interface Options {
  /** Whom to believe that a host is who it says, as PEM; asked once. */
  readonly roots: () => string
}

type Secured = Effect.Effect<Socket, Failure, Scope.Scope>

const ESTABLISHED = "HTTP/1.1 200 Connection Established\r\n\r\n"
const nothing: Body.Body = { bytes: Buffer.alloc(0), whole: true }

/** In the form that leaves no doubt where it goes. */
const pathOf = ({ method, url = "" }: IncomingMessage) =>
  url.startsWith("/") || (method === "OPTIONS" && url === "*")
    ? Effect.succeed(url)
    : new Target.BadTarget({ status: 400, reason: "expected a path on this host" })

const authorityOf = ({ secure, target: { host, port } }: Going): string =>
  port === (secure ? 443 : 80) ? host : `${host}:${port}`

export const make = ({ roots }: Options) =>
  Effect.gen(function* () {
    const substitutes = yield* Substitutes
    const downstream = yield* Downstream.make
    const upstream = Upstream.make(roots)
    const next = Asking.make("upgrade")
    const budget = Budget.make()

    /** What leaves is told before it does. */
    const exchange = (
      going: Going,
      { head, request, response }: Asking.Asked,
      path: string,
      over: Socket,
      client: Socket
    ) =>
      Effect.gen(function* () {
        const upgrades = response === undefined
        yield* budget.take(going.home.container, upgrades ? 0 : Body.weight(request))
        const body = upgrades ? nothing : yield* Body.gather(request)
        if (body === undefined) return
        const out = Outgoing.make(going, { request, path, authority: authorityOf(going), body, upgrades })
        yield* substitutes.tell(going.home, going.target, out.tidings)
        if (response === undefined) yield* Carrying.upgrade(out, over, request, client, head)
        else yield* Carrying.carry(out, over, request, response)
      })

    /** The container's, once TLS with it has begun: whatever fails is told inside. */
    const inside = (going: Going, asked: Asking.Asked, over: Socket, client: Socket) =>
      Effect.gen(function* () {
        yield* Target.ofHost(asked.request.headers.host, going.target)
        yield* exchange(going, asked, yield* pathOf(asked.request), over, client)
      }).pipe(
        Effect.catchAll((failure: Failure) => {
          if (asked.response === undefined) Answering.hangUp(client, answerOf(failure))
          else Answering.answer(asked.response, answerOf(failure))
          return Closing.lingering(client)
        })
      )

    const over = ({ secure, target }: Going, dialed: Socket): Secured =>
      secure ? upstream(dialed, target.host) : Effect.succeed(dialed)

    /** Of CONNECT: the host's certificate is judged before the container is told that it is connected. */
    const tunnel = (going: Going, client: Socket, head: Buffer, dialed: Socket) =>
      Effect.gen(function* () {
        const host = yield* over(going, dialed)
        const settle = yield* downstream.prepare(going.target.host)
        if (head.length > 0) client.unshift(head)
        client.write(ESTABLISHED)
        const settled = yield* Effect.option(settle(client))
        if (settled._tag === "None") return
        const asked = yield* next(settled.value)
        if (asked !== undefined) yield* inside(going, asked, host, settled.value)
      })

    /** Of a plain request, which goes by TLS unless the mark says otherwise. */
    const forward = (going: Going, asked: Asking.Asked, path: string, client: Socket, dialed: Socket) =>
      Effect.flatMap(over(going, dialed), (host) => exchange(going, asked, path, host, client))

    /** A request to a host that nothing is marked for: placeholders pass as they are, and that is told. */
    const passing = (
      { home, substitutes: all }: Inhabitant,
      { rawHeaders, url }: IncomingMessage,
      target: Target.Target
    ) => {
      const text = [url, ...rawHeaders].join("\n")
      const named = all.filter(({ placeholder }) => text.includes(placeholder))
      const tidings = named.map(({ variable }) => ({ _tag: "Withheld", variable }) as const)
      return Effect.ignore(substitutes.tell(home, target, tidings))
    }

    return { of: substitutes.of, tunnel, forward, passing }
  })

export type Interception = Effect.Effect.Success<ReturnType<typeof make>>
