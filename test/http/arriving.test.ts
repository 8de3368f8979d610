import { connect, type Socket } from "node:net"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { bytesOf, credentials, request, type Target } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { live } from "../support/it.js"
import { caller, inServer as serving } from "./harness.js"

/** Lines go before the server does: it would wait for them. */
const inServer: typeof serving = (test, options) => serving(Effect.scoped(test), options)

const MIB = 1024 * 1024
const body = (size: number) => bytesOf({ language: "python", code: "x", padding: "y".repeat(size) })

/** A line that is held open, and what came back on it so far. */
interface Line {
  readonly socket: Socket
  readonly got: () => string
  readonly closed: () => boolean
}

const opened = (to: Target): Effect.Effect<Line> =>
  Effect.sync(() => {
    const { hostname, port } = new URL(to.url)
    const socket = connect(Number(port), hostname)
    let got = ""
    let closed = false
    socket.on("data", (chunk) => {
      got += chunk.toString()
    })
    socket
      .on("error", () => undefined)
      .on("close", () => {
        closed = true
      })
    return { socket, got: () => got, closed: () => closed }
  })

const line = (to: Target) => Effect.acquireRelease(opened(to), ({ socket }) => Effect.sync(() => socket.destroy()))

/** Announces ten mebibytes under somebody's public key, without its secret, and sends `bytes` of them. */
const halfSent = (to: Target, bytes: number) =>
  Effect.gen(function* () {
    const one = yield* line(to)
    const signed = credentials({ ...to, secretKey: "nobody's" }, "POST", "/execute", Buffer.alloc(0))
    const headers = { ...signed, host: "here", "content-length": String(10 * MIB) }
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    one.socket.write(`POST /execute HTTP/1.1\r\n${head.join("")}\r\n`)
    one.socket.write(Buffer.alloc(bytes, "z"))
    return one
  })

const refused = (lines: ReadonlyArray<Line>) => lines.filter(({ got }) => got().startsWith("HTTP/1.1 503 "))

const large = (to: Target) => Effect.promise(() => request(to, "POST", "/execute", { body: body(2 * MIB) }))

describe("large bodies that arrive at once", () => {
  const room = { arrivingBytes: 32 * MIB }

  live("are refused beyond the bound, with when to come again, and the room is free again when they are gone", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const lines = yield* Effect.forEach(Array.from({ length: 8 }), () => halfSent(to, 4 * MIB))
        yield* Effect.promise(() => eventually("some are refused", () => refused(lines).length >= 4))
        const [one] = refused(lines)
        expect(one?.got()).toMatch(/\r\nretry-after: 1\r\n/i)
        expect(one?.got()).toContain('"error":"too_many_bodies"')
        expect(refused(lines).length).toBeLessThan(lines.length)
        const small = yield* Effect.promise(() => request(to, "POST", "/execute", { body: body(1_000) }))
        expect(small.status, small.text).toBe(200)
        for (const { socket } of lines) socket.destroy()
        const again = () => Effect.runPromise(Effect.map(large(to), ({ status }) => status === 200))
        yield* Effect.promise(() => eventually("there is room again", again))
      }),
      room
    )
  )

  live("of a stranger who only knows a public key leave room for other keys", () =>
    inServer(
      Effect.gen(function* () {
        const [known, other] = [yield* caller("known"), yield* caller("other")]
        const lines = yield* Effect.forEach(Array.from({ length: 40 }), () => halfSent(known, 3 * MIB))
        yield* Effect.promise(() => eventually("the share is full", () => refused(lines).length >= 20))
        const answer = yield* large(other)
        expect(answer.status, answer.text).toBe(200)
        expect(refused(lines).length).toBeLessThan(lines.length)
      }),
      room
    )
  )

  live("in single bytes are whole too", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const all = body(20_000)
        const one = yield* line(to)
        const headers = { ...credentials(to, "POST", "/execute", all), host: "here", "transfer-encoding": "chunked" }
        const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
        one.socket.write(`POST /execute HTTP/1.1\r\n${head.join("")}\r\n`)
        for (const byte of all) one.socket.write(`1\r\n${String.fromCharCode(byte)}\r\n`)
        one.socket.write("0\r\n\r\n")
        yield* Effect.promise(() => eventually("it is answered", () => one.got().includes('"status":"completed"')))
        expect(one.got()).toMatch(/^HTTP\/1\.1 200 /)
      })
    )
  )
})

describe("a body that trickles", () => {
  live("is refused when its time is over, however often it moves", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const one = yield* halfSent(to, 10)
        const drip = setInterval(() => one.socket.write("z"), 50)
        yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(drip)))
        yield* Effect.promise(() => eventually("it is cut off", one.closed, 10_000))
        expect(one.got()).toMatch(/^HTTP\/1\.1 408 [\s\S]*"error":"body_timeout"/)
        expect(one.got()).toContain('"limit_seconds":0.5')
      }),
      { bodyWithin: "500 millis" }
    )
  )
})

describe("connections", () => {
  live("beyond the most are closed at once, and there is room when one goes", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const held = yield* Effect.forEach([1, 2, 3], () => line(to))
        for (const { socket } of held) socket.write("GET /health HTTP/1.1\r\nhost: here\r\n")
        yield* Effect.promise(() => eventually("all are open", () => held.every(({ socket }) => !socket.pending)))
        const beyond = yield* line(to)
        yield* Effect.promise(() => eventually("it is closed", beyond.closed, 5_000))
        expect([beyond.got(), held.filter(({ closed }) => closed()).length]).toEqual(["", 0])
        held[0]?.socket.destroy()
        const served = async () =>
          (await request(to, "GET", "/languages", { sign: false }).catch(() => undefined))?.status === 200
        yield* Effect.promise(() => eventually("the next is served", served))
      }),
      { maxConnections: 3 }
    )
  )
})
