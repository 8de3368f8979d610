/** What the proxy says itself, when it does not carry what was asked: plain text, no word of a tenant's in a header. */
import { type ServerResponse, STATUS_CODES } from "node:http"
import type { Socket } from "node:net"

export interface Answer {
  readonly status: number
  readonly text: string
}

const headersOf = (text: string) => ({
  "Content-Type": "text/plain; charset=utf-8",
  "Content-Length": String(Buffer.byteLength(text)),
  Connection: "close"
})

/** Says it on the bare connection, and ends that; closing it is the caller's. */
export const hangUp = (socket: Socket, { status, text }: Answer): void => {
  if (!socket.writable) return void socket.destroy()
  const said = `unsandbox: ${text}\n`
  const head = Object.entries(headersOf(said)).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.resume()
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\n${head.join("")}\r\n${said}`)
}

/** Once an answer has begun it can only break off. */
export const answer = (response: ServerResponse, { status, text }: Answer): void => {
  if (response.headersSent) return void response.destroy()
  const said = `unsandbox: ${text}\n`
  response.writeHead(status, headersOf(said)).end(said)
}
