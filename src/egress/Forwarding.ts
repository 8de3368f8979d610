/** A request of plain HTTP carried to its server and back, on the connection that was made for it. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Effect } from "effect"
import { ProxyServer } from "httpxy"
import { guarded } from "../strangers/Guarding.js"
import * as Answering from "./Answering.js"
import * as Closing from "./Closing.js"
import * as Hops from "./Hops.js"
import type { Resource } from "./Target.js"

/** Also what the sender says is meant for this hop only. */
const strip = (headers: IncomingHttpHeaders): void => {
  for (const name of Hops.namesOf(headers.connection, String(headers["proxy-connection"] ?? ""))) delete headers[name]
  // One connection carries one request to one server, so what belongs to one never answers the other.
  headers.connection = "close"
}

const garbled = { status: 502, text: "it answered what cannot be passed on" }

interface Forwarding {
  /** Resolves when the answer has left, or either side has. */
  readonly forward: (
    resource: Resource,
    upstream: Socket,
    request: IncomingMessage,
    response: ServerResponse
  ) => Effect.Effect<void>
}

export const make = (silenceMillis: number): Forwarding => {
  const proxy = guarded(new ProxyServer({ xfwd: false, changeOrigin: false, proxyTimeout: silenceMillis }), {
    passes: ({ headers }) => strip(headers),
    refused: (response) => Answering.answer(response, garbled)
  })
  return {
    forward: ({ authority, host, path, port }, upstream, request, response) =>
      Effect.suspend(() => {
        if (response.destroyed) return Effect.void
        strip(request.headers)
        request.headers.host = authority
        request.url = path
        const target = { protocol: "http:", host, port }
        proxy.web(request, response, { target, agent: new Hops.Once(upstream) }).catch(() => {
          Answering.answer(response, { status: 502, text: `${host}:${port} broke off` })
        })
        return Closing.closedOrCut(response)
      })
  }
}
