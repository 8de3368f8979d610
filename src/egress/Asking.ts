/** The one request of a connection, read by an HTTP server that never listens: connections are handed to it. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { Effect } from "effect"
import * as Joining from "./Joining.js"

const HEAD_WITHIN = "10 seconds"
const HEAD_BYTES = 16 * 1024

/** `response` is missing where the connection itself is what was asked for. */
export interface Asked {
  readonly request: IncomingMessage
  readonly head: Buffer
  readonly response: ServerResponse | undefined
}

const nothing = Buffer.alloc(0)

/** `handsOver` names the request that gets the connection: a proxy's CONNECT, or what upgrades to another protocol. */
export const make = (handsOver: "connect" | "upgrade") => {
  const expected = new Map<unknown, (asked: Asked) => void>()
  const server = createServer({ maxHeaderSize: HEAD_BYTES, requestTimeout: 0 })
  server.maxRequestsPerSocket = 1
  server.timeout = Joining.SILENCE_MILLIS
  const asked = (request: IncomingMessage, response: ServerResponse | undefined, head: Buffer) =>
    expected.get(request.socket)?.({ request, response, head })
  server.on("request", (request, response) => asked(request, response, nothing))
  server.on(handsOver, (request, _, head) => asked(request, undefined, head))
  /** Undefined: it left, or said nothing in time. */
  return (socket: Duplex): Effect.Effect<Asked | undefined> =>
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
