/** What never became a request: answered in the shape of every other error, and its connection closed. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import { TLSSocket } from "node:tls"

export const mostHeaderBytes = 16 * 1024
/** Node would drop what comes after those it counts. */
const mostHeaders = 100

interface LineError {
  readonly status: number
  readonly code: string
  readonly message: string
}

const manyHeaders: LineError = {
  status: 431,
  code: "headers_too_large",
  message: `There are more than ${mostHeaders} headers, or they are larger than ${mostHeaderBytes} bytes.`
}

const late: LineError = {
  status: 408,
  code: "request_timeout",
  message: "The request did not arrive in time."
}

const lineErrors: Readonly<Record<string, LineError>> = {
  HPE_HEADER_OVERFLOW: manyHeaders,
  ERR_HTTP_REQUEST_TIMEOUT: late
}
const lingerMillis = 1_000

const notHttp: LineError = {
  status: 400,
  code: "malformed_http",
  message: "This is not a well-formed HTTP request."
}

const answerOf = ({ code, message }: LineError) => {
  const body = JSON.stringify({ error: code, code: code.toUpperCase(), message, details: {} })
  const length = String(Buffer.byteLength(body))
  return { body, head: { "Content-Type": "application/json", "Content-Length": length, Connection: "close" } }
}

/** No handshake was made of it: what would be said now would not be understood. */
const unsecured = (socket: Socket): boolean => socket instanceof TLSSocket && socket.getProtocol() === null

/** The last that is said on the line. */
const end = (socket: Socket, wrong: LineError): void => {
  const { body, head } = answerOf(wrong)
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${wrong.status} ${STATUS_CODES[wrong.status]}\r\n${lines.join("")}\r\n${body}`)
  // Who never closes its side would keep the connection, and with enough of them everybody else out.
  setTimeout(() => socket.destroy(), lingerMillis).unref()
}

/** Answers what never became a request, in the shape of every other error. */
export const onClientError = (error: Error & { readonly code?: string }, socket: Socket): void => {
  if (!socket.writable || error.code === "ECONNRESET" || unsecured(socket)) socket.destroy()
  else end(socket, lineErrors[error.code ?? ""] ?? notHttp)
}

/** A request whose body stays away. */
export const onLate = (socket: Socket): void => {
  if (socket.writable) end(socket, late)
  else socket.destroy()
}

/** What is wrong with a request that the parser let pass. */
const found = ({ httpVersionMajor, rawHeaders }: IncomingMessage): LineError | undefined => {
  if (httpVersionMajor !== 1) return notHttp
  return rawHeaders.length > 2 * mostHeaders ? manyHeaders : undefined
}

/** True when it is answered, in its turn. */
export const refused = (request: IncomingMessage, response: ServerResponse): boolean => {
  const wrong = found(request)
  if (wrong === undefined) return false
  const { body, head } = answerOf(wrong)
  response.writeHead(wrong.status, head).end(body)
  return true
}
