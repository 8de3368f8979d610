import { connect } from "node:net"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { answerOf, begin, bytesOf, credentials, request, type Target } from "../support/client.js"
import { live } from "../support/it.js"
import { caller, inServer } from "./harness.js"

const limit = 10 * 1024 * 1024
const code = (size: number) => Buffer.from(JSON.stringify({ language: "python", code: "x".repeat(size) }))

/** Everything that comes back on a raw line until it closes, or `millis` pass. */
const raw = (to: Target, text: string, millis = 2_000): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(to.url)
    const socket = connect(Number(port), hostname)
    let got = ""
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(got)
    }
    const timer = setTimeout(done, millis)
    socket.on("data", (chunk) => {
      got += chunk.toString()
    })
    socket.on("close", done).on("error", done)
    socket.write(text)
  })

const head = (to: Target, body: Buffer, more: Readonly<Record<string, string>> = {}) => ({
  ...credentials(to, "POST", "/execute", body),
  "content-type": "application/json",
  ...more
})

const lines = (headers: Readonly<Record<string, string>>) =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")

describe("bodies", () => {
  live("over 10 MiB are refused on their announced length, before any of it is sent", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const announced = head(to, Buffer.alloc(0), { "content-length": String(limit + 1), host: "x" })
        const answer = yield* Effect.promise(() => raw(to, `POST /execute HTTP/1.1\r\n${lines(announced)}\r\n`))
        expect(answer).toMatch(/^HTTP\/1\.1 413 /)
        expect(answer.toLowerCase()).toContain("connection: close")
        expect(answer).toContain('"error":"body_too_large"')
        const expecting = { ...announced, expect: "100-continue" }
        const told = yield* Effect.promise(() => raw(to, `POST /execute HTTP/1.1\r\n${lines(expecting)}\r\n`))
        expect(told).toMatch(/^HTTP\/1\.1 413 /)
      })
    )
  )

  live("over 10 MiB in chunks are refused as soon as they are, and the answer arrives", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const body = code(limit + 100_000)
        const sent = begin(to, "POST", "/execute", head(to, body, { "transfer-encoding": "chunked" }))
        const pending = answerOf(sent)
        for (let at = 0; at < body.length; at += 65_536) sent.write(body.subarray(at, at + 65_536))
        sent.end()
        expect(yield* Effect.promise(() => pending)).toMatchObject({ status: 413, json: { error: "body_too_large" } })
        const plain = yield* Effect.promise(() => request(to, "POST", "/execute", { body }))
        expect(plain).toMatchObject({ status: 413 })
      })
    )
  )

  live("near the limit are read whole, in chunks and after 100-continue too", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const body = bytesOf({ language: "python", code: "x", padding: "y".repeat(limit - 1_000) })
        const plain = yield* Effect.promise(() => request(to, "POST", "/execute", { body }))
        expect(plain.status, plain.text).toBe(200)
        const small = code(70_000)
        const chunked = begin(to, "POST", "/execute", head(to, small, { "transfer-encoding": "chunked" }))
        const pending = answerOf(chunked)
        chunked.write(small.subarray(0, 10))
        chunked.end(small.subarray(10))
        expect((yield* Effect.promise(() => pending)).status).toBe(200)
        const careful = begin(
          to,
          "POST",
          "/execute",
          head(to, small, { "content-length": String(small.length), expect: "100-continue" })
        )
        careful.on("continue", () => careful.end(small))
        careful.flushHeaders()
        expect((yield* Effect.promise(() => answerOf(careful))).status).toBe(200)
      })
    )
  )

  live("of strangers are not read", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const announced = head({ ...to, publicKey: "unsb-pk-none-none-none-none" }, Buffer.alloc(0), {
          "content-length": "1000000",
          host: "x"
        })
        const answer = yield* Effect.promise(() => raw(to, `POST /execute HTTP/1.1\r\n${lines(announced)}\r\n`, 500))
        expect(answer).toMatch(/^HTTP\/1\.1 401 /)
      })
    )
  )
})

describe("lines", () => {
  live("that are no HTTP, or too much of it, get an error in the usual shape", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const garbage = yield* Effect.promise(() => raw(to, "hello\r\n\r\n"))
        expect(garbage).toMatch(/^HTTP\/1\.1 400 [\s\S]*"error":"malformed_http"/)
        const wide = yield* Effect.promise(() => raw(to, `GET /health HTTP/1.1\r\nx: ${"y".repeat(20_000)}\r\n\r\n`))
        expect(wide).toMatch(/^HTTP\/1\.1 431 [\s\S]*"error":"headers_too_large"/)
      })
    )
  )

  live("carry the caller's request id when it is sane, else a fresh one", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const id = (given: string) =>
          Effect.promise(() =>
            request(to, "GET", "/languages", { sign: false, headers: { "x-request-id": given } })
          ).pipe(Effect.map(({ headers }) => headers["x-request-id"]))
        expect(yield* id("abc-1.2:3_4")).toBe("abc-1.2:3_4")
        expect(yield* id("a b<script>")).toMatch(/^[0-9a-f-]{36}$/)
        expect(yield* id("x".repeat(129))).toMatch(/^[0-9a-f-]{36}$/)
      })
    )
  )
})
