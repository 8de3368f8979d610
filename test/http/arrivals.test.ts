/** Bodies that come slowly: in time, or steadily where a handler waits for them, or not at all. */
import { createHash, randomBytes } from "node:crypto"
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { Effect, Exit, Scope } from "effect"
import { describe, expect } from "vitest"
import * as Arrivals from "../../src/http/wire/Arrivals.js"
import * as Listener from "../../src/http/wire/Listener.js"
import { imageOf } from "../store/images.js"
import { credentials, type Target } from "../support/client.js"
import { live } from "../support/it.js"
import { caller, inServer } from "./harness.js"

const bounds = { arrivesWithin: "1 second", steadyBytes: 1_000, steadyEvery: "400 millis" } as const

/** Sends the head, then pieces until all are sent or the line is closed; resolves with what was said, and when it ended. */
const sending = async (port: number, head: string, pieces: ReadonlyArray<Uint8Array>, everyMillis: number) => {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined)
  const from = performance.now()
  let said = ""
  socket.setEncoding("latin1").on("data", (text: string) => {
    said += text
  })
  let closed = false
  const ended = new Promise<void>((resolve) => socket.on("close", () => resolve())).then(() => {
    closed = true
  })
  socket.write(head)
  for (const piece of pieces) {
    if (closed) break
    socket.write(piece)
    await sleep(everyMillis)
  }
  await ended
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(said) ?? []
  return { status: Number(status), said, millis: performance.now() - from }
}

const pieces = (count: number, bytes: number) => Array.from({ length: count }, () => Buffer.alloc(bytes, "x"))
const head = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: here\r\nContent-Length: ${length}\r\nConnection: ${path === "/early" ? "keep-alive" : "close"}\r\n\r\n`

/** Reads all of a body: at /plain in the usual time, elsewhere as long as it keeps coming. */
const reading = (options: Arrivals.Options = bounds) =>
  Effect.gen(function* () {
    const arrivals = Arrivals.make(options)
    const { address } = yield* Listener.start(
      (source, response) => {
        const scope = Effect.runSync(Scope.make())
        if (source.url !== "/plain") Effect.runSync(Scope.extend(arrivals.steadily(source), scope))
        const release = () => Effect.runSync(Scope.close(scope, Exit.void))
        source.on("error", () => undefined)
        if (source.url === "/early") {
          release()
          response.end("enough")
        } else if (source.url === "/busy") setTimeout(() => source.resume(), 2_000)
        else source.resume()
        source.on("end", () => {
          release()
          response.end("all of it")
        })
      },
      { host: "127.0.0.1", port: 0, maxConnections: 20, stopWithin: "1 second", arrivals }
    )
    const send = (path: string, parts: ReadonlyArray<Uint8Array>, everyMillis: number, said = 0) => {
      const length = Math.max(
        said,
        parts.reduce((sum, part) => sum + part.length, 0)
      )
      return Effect.promise(() => sending(address.port, head(path, length), parts, everyMillis))
    }
    return { send }
  })

describe("a body that is waited for as long as it comes", () => {
  live("arrives, however long it takes; elsewhere it is cut", () =>
    Effect.gen(function* () {
      const { send } = yield* reading()
      const steady = pieces(25, 500)
      const [long, plain] = yield* Effect.all([send("/steady", steady, 100), send("/plain", steady, 100)], {
        concurrency: "unbounded"
      })
      expect(long.status).toBe(200)
      expect(long.millis).toBeGreaterThan(2_000)
      expect(plain.status).toBe(408)
      expect(plain.said).toContain('"error":"request_timeout"')
      expect(plain.millis).toBeLessThan(2_400)
    })
  )

  live("is cut when it trickles, or stops, or has taken too long in all", () =>
    Effect.gen(function* () {
      const { send } = yield* reading()
      const short = yield* reading({ ...bounds, steadyWithin: "1 second" })
      const [trickle, silent, endless] = yield* Effect.all(
        [
          send("/steady", pieces(100, 10), 50),
          send("/steady", pieces(1, 10), 0, 100),
          short.send("/steady", pieces(60, 500), 50)
        ],
        { concurrency: "unbounded" }
      )
      expect([trickle.status, silent.status, endless.status]).toEqual([408, 408, 408])
      expect(trickle.millis).toBeLessThan(2_500)
      expect(endless.millis).toBeGreaterThan(1_000)
    })
  )

  live("is not blamed for a handler that takes its time", () =>
    Effect.gen(function* () {
      const { send } = yield* reading()
      const busy = yield* send("/busy", pieces(1, 1_000_000), 0)
      expect(busy.status).toBe(200)
      expect(busy.millis).toBeGreaterThan(1_900)
    })
  )

  live("has the usual time again when nobody waits for it any longer", () =>
    Effect.gen(function* () {
      const { send } = yield* reading()
      const early = yield* send("/early", pieces(60, 500), 50)
      expect(early.status).toBe(200)
      expect(early.millis).toBeGreaterThan(900)
      expect(early.millis).toBeLessThan(2_500)
    })
  )
})

describe("an image that comes in over a slow line", () => {
  const importing = (to: Target, archive: Buffer, digest: string, everyMillis: number, count: number) => {
    const path = "/images/import"
    const signed = { ...credentials(to, "POST", path, Buffer.from(digest)), "x-content-sha256": digest }
    const headers = Object.entries(signed).map(([name, value]) => `${name}: ${value}\r\n`)
    const size = Math.ceil(archive.length / count)
    const parts = Array.from({ length: count }, (_, at) => archive.subarray(at * size, (at + 1) * size))
    const whole = head(path, archive.length).replace("\r\n\r\n", `\r\n${headers.join("")}\r\n`)
    return Effect.promise(() => sending(Number(new URL(to.url).port), whole, parts, everyMillis))
  }
  const image = Effect.promise(() => imageOf([[{ name: "srv/x", content: randomBytes(60_000) }]]))
  const other = createHash("sha256").update("else").digest("hex")

  live("is read to its end when it is steady, and cut when it trickles or nobody has signed it", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const archive = yield* image
        const stranger = { ...to, secretKey: "unsb-sk-nobody" }
        const [steady, trickle, unsigned] = yield* Effect.all(
          [
            importing(to, archive, other, 100, 25),
            importing(to, archive, other, 100, archive.length / 8),
            importing(stranger, archive, other, 100, 25)
          ],
          { concurrency: "unbounded" }
        )
        expect([steady.status, trickle.status, unsigned.status]).toEqual([400, 408, 401])
        // What is signed is only looked at when all of it has come.
        expect(steady.said).toContain("archive_digest")
        expect(steady.millis).toBeGreaterThan(2_000)
        expect(unsigned.millis).toBeLessThan(2_400)
      }),
      { ...bounds, steadyBytes: 2_000 }
    )
  )

  live("leaves room for those of others, and all of it when they are gone", () =>
    inServer(
      Effect.gen(function* () {
        const [to, neighbour] = [yield* caller("one"), yield* caller("other")]
        const archive = yield* image
        const slow = yield* Effect.fork(
          Effect.all(
            Array.from({ length: 12 }, () => importing(to, archive, other, 100, 15)),
            { concurrency: "unbounded" }
          )
        )
        yield* Effect.sleep("500 millis")
        const theirs = yield* importing(neighbour, archive, other, 0, 1)
        expect(theirs.said).toContain("archive_digest")
        const said = (yield* slow).map(({ status }) => status)
        expect(said.filter((status) => status === 400)).toHaveLength(8)
        expect(said.filter((status) => status === 503)).toHaveLength(4)
        expect((yield* importing(to, archive, other, 0, 1)).said).toContain("archive_digest")
      }),
      { ...bounds, steadyBytes: 2_000 }
    )
  )
})

describe("a refusal", () => {
  live("reaches who is still sending, and then closes the line as was asked", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const stranger = { ...to, secretKey: "unsb-sk-nobody" }
        const digest = createHash("sha256").update("x").digest("hex")
        const signed = { ...credentials(stranger, "POST", "/images/import", Buffer.from(digest)) }
        const headers = Object.entries({ ...signed, "x-content-sha256": digest })
        const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")
        const port = Number(new URL(to.url).port)
        const parts = pieces(40, 1_000_000)
        const whole = head("/images/import", 40_000_000).replace("\r\n\r\n", `\r\n${lines}\r\n`)
        const answers = yield* Effect.forEach(
          Array.from({ length: 10 }),
          () => Effect.promise(() => sending(port, whole, parts, 0)),
          { concurrency: 2 }
        )
        expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(401))
      })
    )
  )
})
