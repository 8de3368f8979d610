/** A JSON answer: written once, compact, with its length. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"

export const json = (
  value: object,
  status = 200,
  headers?: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse => {
  const text = JSON.stringify(value)
  // A string goes out in one write together with the head.
  return HttpServerResponse.raw(text, {
    status,
    contentType: "application/json",
    contentLength: Buffer.byteLength(text),
    ...(headers === undefined ? {} : { headers })
  })
}
