/** A request of plain HTTP carried to its server and back, on the connection that was made for it. */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Effect } from "effect"
import { ProxyServer } from "httpxy"
import * as Answering from "./Answering.js"
import type { Resource } from "./Target.js"

/** Meant for the next hop only. What frames a body stays: it is made anew for the next one. */
const HOP_BY_HOP = [
  ...["connection", "proxy-connection", "keep-alive", "te", "trailer", "upgrade"],
  ...["proxy-authenticate", "proxy-authorization", "proxy-authentication-info", "expect"]
]
const FRAMING = new Set(["content-length", "transfer-encoding", "host"])

/** Also what the sender says is meant for this hop only. */
const strip = (headers: IncomingHttpHeaders): void => {
  const named = `${headers.connection ?? ""},${headers["proxy-connection"] ?? ""}`.toLowerCase().split(",")
  for (const name of [...HOP_BY_HOP, ...named.map((one) => one.trim())]) if (!FRAMING.has(name)) delete headers[name]
  // One connection carries one request to one server, so what belongs to one never answers the other.
  headers.connection = "close"
}

/** Hands out the one connection that was made for this request. */
class Once extends Agent {
  constructor(private readonly connected: Socket) {
    super({ keepAlive: false, maxSockets: 1 })
  }
  override createConnection(): Socket {
    return this.connected
  }
}

export interface Forwarding {
  /** Resolves when the answer has left, or either side has. */
  readonly forward: (
    resource: Resource,
    upstream: Socket,
    request: IncomingMessage,
    response: ServerResponse
  ) => Effect.Effect<void>
}

const gone = (response: ServerResponse): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (response.closed) return resume(Effect.void)
    response.once("close", () => resume(Effect.void))
    return Effect.sync(() => response.destroy())
  })

export const make = (silenceMillis: number): Forwarding => {
  const proxy = new ProxyServer({ xfwd: false, changeOrigin: false, proxyTimeout: silenceMillis })
  proxy.on("proxyRes", ({ headers }) => strip(headers))
  return {
    forward: ({ authority, host, path, port }, upstream, request, response) =>
      Effect.suspend(() => {
        if (response.destroyed) return Effect.void
        strip(request.headers)
        request.headers.host = authority
        request.url = path
        const target = { protocol: "http:", host, port }
        proxy.web(request, response, { target, agent: new Once(upstream) }).catch(() => {
          Answering.answer(response, { status: 502, text: `${host}:${port} broke off` })
        })
        return gone(response)
      })
  }
}
