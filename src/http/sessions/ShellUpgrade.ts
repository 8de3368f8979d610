/** How a request becomes a WebSocket at a session's terminal: judged first, upgraded after, told why where it is not. */
import { type IncomingMessage, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { Clock, Effect, FiberSet, Option, Schema } from "effect"
import { WebSocketServer } from "ws"
import { Sessions } from "../../../actors/session/Sessions.js"
import { SessionId } from "../../../events/Ids.js"
import { keyActive } from "../../guards/KeyActive.js"
import { resourceKnown } from "../../guards/ResourceKnown.js"
import { KeyTable } from "../../projections/KeyTable.js"
import { SessionTable } from "../../projections/SessionTable.js"
import { body, Problem, of as problemOf } from "../Problem.js"
import * as Refusing from "../Refusing.js"
import * as Standing from "../Standing.js"
import type { Upgrade } from "../wire/Listener.js"
import { foundOf, told } from "./SessionDesk.js"
import { Incoming } from "./ShellInput.js"
import * as ShellSocket from "./ShellSocket.js"
import { ShellTickets } from "./ShellTickets.js"

const SUBPROTOCOL = "unsandbox-shell"
const PATH = /^\/sessions\/([^/]+)\/shell\/?$/
/** Keys come in frames of 256 bytes at most; what is pasted may be more. */
const LARGEST_FRAME = 256 * 1024
const MOST = 4_096

const nowhere = new Problem({
  status: 404,
  code: "not_found",
  message: "There is no WebSocket here. A session's terminal is at /sessions/{id}/shell."
})

const unticketed = new Problem({
  status: 401,
  code: "ticket_required",
  message: "This server demands a ticket: connect to websocket_url as GET /sessions/{id} gives it, within five minutes."
})

const crowded = new Problem({
  status: 503,
  code: "too_many_connections",
  message: "Too many terminals are connected. Try again shortly.",
  retryAfterSeconds: 5
})

const broken = new Problem({ status: 500, code: "internal_error", message: "Something is wrong in the server." })

interface Asked {
  readonly id: string
  readonly since: number | undefined
  readonly query: URLSearchParams
  readonly target: string
}

const askedOf = ({ method, url = "/" }: IncomingMessage): Asked | undefined => {
  const mark = url.indexOf("?")
  const match = PATH.exec(mark < 0 ? url : url.slice(0, mark))
  if (match?.[1] === undefined || method !== "GET") return undefined
  const query = new URLSearchParams(mark < 0 ? "" : url.slice(mark))
  const since = query.get("since") ?? ""
  return { id: match[1], query, target: url, since: /^[0-9]{1,15}$/.test(since) ? Number(since) : undefined }
}

/** Answered as a request, since it has not become anything else. */
const refuse = (socket: Duplex, problem: Problem) =>
  Effect.sync(() => {
    const text = JSON.stringify(body(problem))
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? "Refused"}`,
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(text)}`,
      "Connection: close",
      ...(problem.retryAfterSeconds === undefined ? [] : [`Retry-After: ${problem.retryAfterSeconds}`])
    ]
    socket.end(`${head.join("\r\n")}\r\n\r\n${text}`, () => socket.destroy())
  })

const isSessionId = Schema.is(SessionId)

export const make = Effect.gen(function* () {
  const sessions = yield* Sessions
  const table = yield* SessionTable
  const keys = yield* KeyTable
  const tickets = yield* ShellTickets
  const inGoodStanding = yield* Standing.make
  const refusing = yield* Refusing.make
  const fibers = yield* FiberSet.make<void>()
  const run = yield* FiberSet.runtime(fibers)<never>()
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    // One frame a turn: a piece off the line may hold ten thousand, and everybody else would wait for all of them.
    allowSynchronousEvents: false,
    maxPayload: LARGEST_FRAME,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false)
  })

  /** D16, and D02 for its owner: whoever has the id acts for them, and may no more than they. */
  const admitted = Effect.fnUntraced(function* ({ id, query, target }: Asked) {
    const nowMillis = yield* Clock.currentTimeMillis
    if (!tickets.admits(id, query, nowMillis)) return yield* unticketed
    const view = isSessionId(id) ? Option.getOrUndefined(yield* table.find(id)) : undefined
    const actor = view?.owner ?? "nobody"
    const found = view === undefined ? undefined : foundOf(view)
    const [path] = target.split("?", 1)
    const known = yield* refusing(
      resourceKnown.decide({ kind: "session", resource: id, actor, found }),
      actor,
      "WS",
      path ?? ""
    )
    const key = Option.getOrUndefined(yield* keys.find(actor))
    const { expiresAt, status } = key ?? { expiresAt: null, status: "revoked" as const }
    const active = keyActive.decide({ publicKey: actor, status, expiresAt, now: Math.floor(nowMillis * 1_000) })
    yield* refusing(active, actor, "WS", path ?? "")
    return known
  }, Effect.mapError(problemOf))

  const upgraded = (request: IncomingMessage, socket: Duplex, head: Buffer): Effect.Effect<Incoming, Problem> =>
    Effect.async((resume) => {
      socket.once("close", () => resume(nowhere))
      server.handleUpgrade(request, socket, head, (made) => {
        // Heard from here on, whenever this fiber goes on.
        const incoming = new Incoming(made)
        resume(Effect.succeed(incoming))
      })
    })

  const connected = (asked: Asked, request: IncomingMessage, socket: Duplex, head: Buffer) =>
    Effect.gen(function* () {
      if ((yield* FiberSet.size(fibers)) > MOST) return yield* crowded
      const known = yield* admitted(asked)
      const connection = yield* Effect.mapError(sessions.connect(known, asked.since), told)
      const incoming = yield* Effect.acquireRelease(upgraded(request, socket, head), (made) =>
        Effect.sync(() => made.socket.terminate())
      )
      const allowed = inGoodStanding(known.facts.actor)
      yield* ShellSocket.serve(incoming, connection, { allowed, tellsOffset: asked.since !== undefined })
    }).pipe(
      Effect.scoped,
      Effect.catchAll((problem) => refuse(socket, problem)),
      Effect.catchAllDefect((defect) =>
        Effect.zipRight(Effect.logError("a terminal failed", defect), refuse(socket, broken))
      )
    )

  const upgrade: Upgrade = (request, socket, head) => {
    // Until it is a WebSocket nobody else listens, and an unheard error would end the process.
    socket.on("error", () => socket.destroy())
    const asked = askedOf(request)
    run(asked === undefined ? refuse(socket, nowhere) : connected(asked, request, socket, head))
  }
  return upgrade
})
