/** A JSON answer: written once, compact, with its length. */
import { Readable } from "node:stream"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type { Large } from "./Large.js"

type Headers = Readonly<Record<string, string>>

const answer = (body: unknown, bytes: number, status: number, headers: Headers | undefined) =>
  HttpServerResponse.raw(body, {
    status,
    contentType: "application/json",
    contentLength: bytes,
    ...(headers === undefined ? {} : { headers })
  })

export const json = (value: object, status = 200, headers?: Headers): HttpServerResponse.HttpServerResponse => {
  const text = JSON.stringify(value)
  // A string goes out in one write together with the head.
  return answer(text, Buffer.byteLength(text), status, headers)
}

/** An answer whose large texts are named in it by words. */
export interface Told {
  readonly value: object
  readonly large: Large
}

/** Pieces go out as fast as they are read, and none is copied for it. */
export const told = (
  { large, value }: Told,
  status = 200,
  headers?: Headers
): HttpServerResponse.HttpServerResponse => {
  const body = large.assemble(value)
  if (typeof body === "string") return answer(body, Buffer.byteLength(body), status, headers)
  const bytes = body.reduce((sum, { length }) => sum + length, 0)
  return answer(Readable.from(body, { objectMode: false, highWaterMark: 1 }), bytes, status, headers)
}
