/** What visitors are told when there is no service to answer them: a page for people, JSON for programs. */
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Destination } from "./Destinations.js"
import * as Lingering from "./Lingering.js"

export interface Refusal {
  readonly status: 400 | 404 | 410 | 502 | 503
  readonly code: string
  readonly message: string
  readonly page: boolean
  readonly retryAfterSeconds?: number
}

const phrases = { 400: "Bad Request", 404: "Not Found", 410: "Gone", 502: "Bad Gateway", 503: "Service Unavailable" }

export const noHost: Refusal = {
  status: 400,
  code: "host_missing",
  message: "Name one service, in one Host header.",
  page: true
}

export const crowded: Refusal = {
  status: 503,
  code: "too_many_requests_in_flight",
  message: "This service has as many requests under way as it may have. Come again in a moment.",
  page: false,
  retryAfterSeconds: 1
}

export const unreachable = (reason: string): Refusal => ({
  status: 502,
  code: "service_unreachable",
  message: `The service runs and does not answer: ${reason}.`,
  page: true,
  retryAfterSeconds: 1
})

/** Its answer cannot be passed on. */
export const garbled: Refusal = {
  status: 502,
  code: "service_unreachable",
  message: "The service runs, and what it answers is not HTTP as anybody may pass it on.",
  page: true
}

/** Why this destination answers nobody. */
export const of = (destination: Exclude<Destination, { readonly _tag: "Ready" }>): Refusal => {
  switch (destination._tag) {
    case "Unknown":
      return { status: 404, code: "service_unknown", message: "There is no service of this name.", page: true }
    case "Destroyed": {
      const when = new Date(destination.at / 1000).toISOString()
      const message = `This service was destroyed at ${when}: ${destination.cause}.`
      return { status: 410, code: "service_destroyed", message, page: true }
    }
    case "Asleep": {
      const message = "This service is frozen. Its owner can unfreeze it."
      return { status: 503, code: "service_frozen", message, page: destination.page }
    }
    case "Down": {
      const message = `This service is not running: ${destination.reason}.`
      const retryAfterSeconds = destination.retry ? { retryAfterSeconds: 2 } : {}
      return { status: 503, code: "service_not_running", message, page: true, ...retryAfterSeconds }
    }
  }
}

const marks: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }
const escaped = (text: string) => text.replace(/[&<>"']/g, (mark) => marks[mark] ?? "")

const html = ({ message, status }: Refusal) => `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>${status} ${phrases[status]}</title>
<style>body{font:18px/1.5 system-ui,sans-serif;max-width:32em;margin:20vh auto;padding:0 1em;color:#222}</style>
<h1>${phrases[status]}</h1><p>${escaped(message)}</p></html>
`

const json = ({ code, message }: Refusal) =>
  JSON.stringify({ error: code, code: code.toUpperCase(), message, details: {} })

const parts = (refusal: Refusal, accept: string | undefined) => {
  const asPage = refusal.page && (accept === undefined || !/^\s*application\/json/i.test(accept))
  const body = asPage ? html(refusal) : json(refusal)
  const headers: Record<string, string> = {
    "Content-Type": asPage ? "text/html; charset=utf-8" : "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    "Cache-Control": "no-store",
    Connection: "close"
  }
  if (refusal.retryAfterSeconds !== undefined) headers["Retry-After"] = String(refusal.retryAfterSeconds)
  return { body, headers }
}

export const answer = (response: ServerResponse, refusal: Refusal): void => {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { body, headers } = parts(refusal, response.req.headers.accept)
  response.writeHead(refusal.status, headers).end(response.req.method === "HEAD" ? undefined : body)
}

/** To whom asked for another protocol: no response object exists for an upgrade. */
export const hangUp = (socket: Socket, refusal: Refusal): void => {
  const { body, headers } = parts({ ...refusal, page: false }, undefined)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  Lingering.after(socket)
  socket.end(`HTTP/1.1 ${refusal.status} ${phrases[refusal.status]}\r\n${lines.join("")}\r\n${body}`, "utf8")
}
