/** A proxy that looks at the answers of strangers before it copies them. */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { ProxyServer } from "httpxy"
import * as Answer from "./Answer.js"

interface Told {
  /** It is about to be copied. */
  readonly passes: (answer: IncomingMessage, request: IncomingMessage) => void
  /** Nothing of it will be; the connection that it came by is gone. */
  readonly refused: (response: ServerResponse) => void
}

export const guarded = (proxy: ProxyServer, { passes, refused }: Told): ProxyServer =>
  proxy
    .on("proxyRes", (answer, request, response) => {
      if (Answer.passes(answer)) return passes(answer, request)
      answer.destroy()
      refused(response)
    })
    .on("proxyReq", (sent, request, response) => {
      // Another protocol that nobody asked for: without a listener, node ends the connection and tells nobody.
      sent.once("upgrade", (_, socket) => {
        socket.destroy()
        request.unpipe(sent).resume()
        refused(response)
      })
    })
