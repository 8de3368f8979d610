/** The answer of a host that values go to: scrubbed in its head and, as it flows to the container, in its body. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { pipeline, type Transform } from "node:stream"
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib"
import * as Answer from "../../strangers/Answer.js"
import * as Answering from "../Answering.js"
import * as Head from "./Head.js"
import type { Scrubbing } from "./Scrubbing.js"

/** Some hosts compress whatever they were asked. */
const decoders: { readonly [encoding: string]: () => Transform } = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress
}

/** What cannot be looked through is not passed on; undefined then. */
const decoding = (encoding: string | undefined): ReadonlyArray<Transform> | undefined => {
  const name = (encoding ?? "identity").trim().toLowerCase()
  if (name === "identity" || name === "") return []
  const decoder = Object.hasOwn(decoders, name) ? decoders[name] : undefined
  return decoder === undefined ? undefined : [decoder()]
}

const hasNoBody = (method: string | undefined, status: number): boolean =>
  method === "HEAD" || status === 204 || status === 304

/** Their reason phrase is nothing that a client needs, and could hold anything: the usual words stand in its place. */
const begin = (response: ServerResponse, { statusCode = 502 }: IncomingMessage, head: string[]): boolean => {
  response.sendDate = false
  try {
    response.writeHead(statusCode, head)
    return true
  } catch {
    // A header that one parser lets through and the other does not write.
    return false
  }
}

const opaque = { status: 502, text: "it answered in an encoding that cannot be looked through" }
const malformed = { status: 502, text: "it answered with a head that cannot be passed on" }

/** Undefined: it is on its way. */
const passed = (
  given: IncomingMessage,
  scrubbing: Scrubbing,
  response: ServerResponse
): Answering.Answer | undefined => {
  if (!Answer.passes(given)) return malformed
  const { headers, statusCode = 502 } = given
  if (hasNoBody(response.req.method, statusCode)) {
    if (!begin(response, given, Head.bare(given, scrubbing))) return malformed
    given.resume()
    response.end()
    return undefined
  }
  const decoders = decoding(headers["content-encoding"])
  if (decoders === undefined) return opaque
  if (!begin(response, given, Head.scrubbed(given, scrubbing))) return malformed
  pipeline([given, ...decoders, scrubbing.stream(), response], () => {
    // Either side left, or it is done: whoever waits sees the response close.
  })
  return undefined
}

export const reply = (given: IncomingMessage, scrubbing: Scrubbing, response: ServerResponse): void => {
  const failed = passed(given, scrubbing, response)
  if (failed === undefined) return
  given.destroy()
  Answering.answer(response, failed)
}
