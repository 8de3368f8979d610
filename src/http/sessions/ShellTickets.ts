/** Where a session's terminal is, as its owner is told: with a ticket for a short while, where the server demands one. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { TLSSocket } from "node:tls"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Context, Layer } from "effect"
import type { SessionId } from "../../../events/Ids.js"

type Admission = "open" | "signed"

export interface Options {
  /** `open`: the session's id is the capability, as existing clients have it. `signed`: a ticket from `websocket_url` is. */
  readonly sessionWs?: Admission
}

const VALID_SECONDS = 300
const PARAMETER = "ticket"

export class ShellTickets extends Context.Tag("http/ShellTickets")<
  ShellTickets,
  {
    readonly url: (session: SessionId, request: HttpServerRequest.HttpServerRequest, nowMillis: number) => string
    /** Whether whoever asks for this target may come in, as far as the ticket goes. */
    readonly admits: (session: string, query: URLSearchParams, nowMillis: number) => boolean
  }
>() {}

const HOST = /^(?:[A-Za-z0-9.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/

/** As the caller named us; what is no name is replaced by the address that it reached. */
const hostOf = (request: HttpServerRequest.HttpServerRequest): string => {
  const { headers, socket } = NodeHttpServerRequest.toIncomingMessage(request)
  if (headers.host !== undefined && HOST.test(headers.host)) return headers.host
  const address = socket.localAddress ?? "127.0.0.1"
  return `${address.includes(":") ? `[${address}]` : address}:${socket.localPort ?? 80}`
}

const schemeOf = (request: HttpServerRequest.HttpServerRequest): string => {
  const { socket } = NodeHttpServerRequest.toIncomingMessage(request)
  return socket instanceof TLSSocket || request.headers["x-forwarded-proto"] === "https" ? "wss" : "ws"
}

const make = ({ sessionWs = "open" }: Options): typeof ShellTickets.Service => {
  // Tickets are short-lived and asked for anew, so their key need not outlive the process.
  const secret = randomBytes(32)
  const mac = (session: string, until: string) => createHmac("sha256", secret).update(`${session}:${until}`).digest()

  const issued = (session: string, nowMillis: number): string => {
    const until = String(Math.floor(nowMillis / 1_000) + VALID_SECONDS)
    return `${until}.${mac(session, until).toString("base64url")}`
  }

  const valid = (session: string, ticket: string, nowMillis: number): boolean => {
    const match = /^([0-9]{1,12})\.([A-Za-z0-9_-]{43})$/.exec(ticket)
    const [, until = "", proof = ""] = match ?? []
    if (match === null || Number(until) * 1_000 < nowMillis) return false
    const claimed = Buffer.from(proof, "base64url")
    return claimed.length === 32 && timingSafeEqual(mac(session, until), claimed)
  }

  return {
    url: (session, request, nowMillis) => {
      const place = `${schemeOf(request)}://${hostOf(request)}/sessions/${session}/shell`
      return sessionWs === "open" ? place : `${place}?${PARAMETER}=${issued(session, nowMillis)}`
    },
    admits: (session, query, nowMillis) => sessionWs === "open" || valid(session, query.get(PARAMETER) ?? "", nowMillis)
  }
}

export const layer = (options: Options) => Layer.sync(ShellTickets, () => make(options))
