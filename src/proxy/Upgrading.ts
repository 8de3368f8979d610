/** A visitor's wish for another protocol. Only WebSocket is carried; a request with any other is one without (RFC 9110, 7.8). */
import type { IncomingMessage, Server } from "node:http"
import type { Socket } from "node:net"
import { Server as TlsServer } from "node:tls"

export const isCarried = ({ headers, method }: IncomingMessage): boolean =>
  method === "GET" && headers.upgrade?.toLowerCase() === "websocket"

const WISH = new Set(["connection", "upgrade", "http2-settings"])

/** As it came, for one byte each character; the connection ends with the answer, so this happens to it once. */
const unwishing = ({ httpVersion, method, rawHeaders, url }: IncomingMessage): string => {
  const lines = rawHeaders.flatMap((name, at) =>
    at % 2 === 1 || WISH.has(name.toLowerCase()) ? [] : [`${name}: ${rawHeaders[at + 1]}\r\n`]
  )
  return `${method} ${url} HTTP/${httpVersion}\r\n${lines.join("")}Connection: close\r\n\r\n`
}

/** Node has let go of the connection, and of the body: it is given all of it to read once more. */
export const ignore = (server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void => {
  socket.unshift(Buffer.concat([Buffer.from(unwishing(request), "latin1"), head]))
  server.emit(server instanceof TlsServer ? "secureConnection" : "connection", socket)
  socket.resume()
}
