/** What either side says of itself, as far as it is not the other's affair. */
import type { IncomingMessage } from "node:http"
import * as RawHeaders from "./RawHeaders.js"

const isClaim = (name: string): boolean =>
  name.startsWith("x-forwarded-") || name === "forwarded" || name === "x-real-ip"

/** Trailers are not carried, and Node throws at a request that announces them; whoever expects to be told to go on has been. */
const isAnswered = (name: string): boolean => name === "trailer" || name === "expect"

// A copy: what something was deleted from is slow to read, and all of it is read once more.
const without = (request: IncomingMessage, unwanted: (name: string) => boolean): void => {
  const headers: IncomingMessage["headers"] = {}
  for (const name of Object.keys(request.headers)) if (!unwanted(name)) headers[name] = request.headers[name]
  request.headers = headers
}

/** What a visitor says of itself is not what the proxy says of the visitor. */
export const drop = (request: IncomingMessage): void => without(request, (name) => isAnswered(name) || isClaim(name))

/** How long a connection lasts is each side's own affair: the visitor's wish is not the service's, nor the other way round. */
export const dropWithWish = (request: IncomingMessage): void =>
  without(request, (name) => name === "connection" || isAnswered(name) || isClaim(name))

/** The visitor is answered by its own wish, not by the service's. */
export const giveBackWish = (answer: IncomingMessage, { headers, rawHeaders }: IncomingMessage): void => {
  answer.headers.connection = undefined
  const wish = RawHeaders.valuesOf(rawHeaders, "connection")
  if (wish.length > 0) headers.connection = wish.join(", ")
}
