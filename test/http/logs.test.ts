import { connect, type Socket } from "node:net"
import { Effect, Fiber, Layer, Option, Stream, TestClock } from "effect"
import { describe, expect } from "vitest"
import { Keys } from "../../actors/key/Keys.js"
import { PublicKey } from "../../events/Ids.js"
import * as LogStream from "../../src/http/logs/LogStream.js"
import { LogLines } from "../../src/projections/LogLines.js"
import * as Projections from "../../src/projections/Projections.js"
import { type Ask, credentials, request, type Target } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { effect, live } from "../support/it.js"
import { storage } from "../support/storage.js"
import { caller, inServer as serving } from "./harness.js"

/** Lines go before the server does. */
const inServer: typeof serving = (test, options) => serving(Effect.scoped(test), options)

const ask = (to: Target, method: string, path: string, more: Ask = {}) =>
  Effect.promise(() => request(to, method, path, more))

const run = (to: Target) =>
  Effect.map(ask(to, "POST", "/execute", { body: { language: "python", code: '{"stdout":"x"}' } }), ({ json }) =>
    String(json.job_id)
  )

interface Followed {
  readonly socket: Socket
  readonly got: () => string
  readonly closed: () => boolean
}

const followed = (to: Target, path: string): Followed => {
  const { hostname, port } = new URL(to.url)
  const socket = connect(Number(port), hostname)
  let got = ""
  let closed = false
  socket
    .on("error", () => undefined)
    .on("data", (chunk) => {
      got += chunk.toString()
    })
  socket.on("close", () => {
    closed = true
  })
  const head = Object.entries(credentials(to, "GET", path, Buffer.alloc(0))).map(([name, value]) => `${name}: ${value}`)
  socket.write(`GET ${path} HTTP/1.1\r\nhost: here\r\n${head.join("\r\n")}\r\n\r\n`)
  return { socket, got: () => got, closed: () => closed }
}

const follow = (to: Target, path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => followed(to, path)),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

const until = (what: string, holds: () => boolean) => Effect.promise(() => eventually(what, holds, 5_000))

const eventsIn = (text: string) =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]): Record<string, unknown> => JSON.parse(data))

describe("logs", () => {
  live("are a caller's own, in every form that clients ask for", () =>
    inServer(
      Effect.gen(function* () {
        const [to, other] = [yield* caller("one"), yield* caller("other")]
        const job = yield* run(to)
        const theirs = yield* run(other)
        for (const path of ["/logs", "/paas/logs?source=all&lines=100&since=5m&grep=&level="]) {
          const { json, status, text } = yield* ask(to, "GET", path)
          expect(status, text).toBe(200)
          expect(json).toMatchObject({ sources: ["api", "portal"], count: 4, lines: json.logs })
          const line = expect.stringMatching(new RegExp(`^20\\d\\d-.*Z INFO job ${job} accepted language=python`))
          const timestamp = expect.stringMatching(/^20\d\d-.*Z$/)
          expect(json.logs).toContainEqual({ source: "api", level: "info", timestamp, line })
          expect(text).not.toContain(theirs)
        }
        const posted = yield* ask(to, "POST", "/paas/logs", { body: { source: "api", lines: 2, grep: "finished" } })
        expect(posted.json).toMatchObject({ count: 1, logs: [{ source: "api" }] })
        const empty = yield* ask(to, "POST", "/paas/logs", { body: "" })
        expect(empty.json).toMatchObject({ count: 4 })
      })
    )
  )

  live("of one source are texts, signed with or without the query", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller("one")
        yield* run(to)
        for (const sign of [{}, { path: "/logs/api" }]) {
          const { json, status } = yield* ask(to, "GET", "/logs/api?lines=2", { sign })
          expect(status).toBe(200)
          expect(json).toMatchObject({ sources: ["api"], lines: [expect.any(String), expect.any(String)] })
        }
        const all = yield* ask(to, "GET", "/logs/all")
        expect(all.json).toMatchObject({ sources: ["api", "portal"], lines: [{ source: "portal" }, {}, {}, {}] })
        const portal = yield* ask(to, "GET", "/logs/portal")
        expect(portal.json.lines).toEqual([expect.stringContaining(`key ${to.publicKey} created label=one`)])
      })
    )
  )

  live("that are an operator's are refused, and those that are none are not there", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        for (const path of [
          "/logs/pool/cammy",
          "/logs?source=pool/cammy",
          "/logs/pool/cammy/stream",
          "/logs/pool%2Fx"
        ]) {
          const { json, status } = yield* ask(to, "GET", path)
          expect([status, json.error, json.details], path).toMatchObject([403, "operator_required", { point: "D17" }])
        }
        for (const path of ["/logs/nothing", "/logs/nothing/stream", "/paas/logs?source=x"]) {
          const { json, status } = yield* ask(to, "GET", path)
          expect([status, json.error, json.details], path).toMatchObject([404, "not_found", { point: "D16" }])
        }
        const wrong = yield* ask(to, "GET", "/logs?lines=0")
        expect([wrong.status, wrong.json.details]).toMatchObject([400, { field: "lines", point: "D11" }])
        for (const path of ["/logs", "/logs/stream", "/logs/all", "/paas/logs"])
          expect((yield* ask(to, "GET", path, { sign: "bearer" })).status, path).toBe(401)
      })
    )
  )
})

describe("a followed log", () => {
  live("tells what was, then what comes, one event a line", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const before = yield* run(to)
        const all = yield* follow(to, "/logs/stream?source=api&since=60s")
        const fresh = yield* follow(to, "/logs/api/stream?grep=finished")
        yield* until("what was is told", () => eventsIn(all.got()).length === 3)
        expect(all.got()).toMatch(/^HTTP\/1\.1 200 [\s\S]*content-type: text\/event-stream/i)
        expect(all.got()).toContain(":keepalive\n\n")
        yield* until("the other has begun", () => fresh.got().includes(":keepalive"))
        const after = yield* run(to)
        yield* until("what comes is told", () => eventsIn(all.got()).length === 6)
        yield* until("of the other too", () => eventsIn(fresh.got()).length === 1)
        expect(eventsIn(all.got()).map(({ line }) => String(line).includes(before))).toEqual(
          [true, true, true].concat([false, false, false])
        )
        expect(eventsIn(fresh.got())).toMatchObject([{ source: "api", line: expect.stringContaining(after) }])
      })
    )
  )

  live("ends when its key is no longer good, and at once when the server stops", () =>
    Effect.gen(function* () {
      // A stop that waited for its readers would take longer than a test may.
      const theirs = yield* inServer(
        Effect.gen(function* () {
          const [to, other] = [yield* caller("one"), yield* caller("other")]
          const [mine, theirs] = [yield* follow(to, "/logs/stream"), followed(other, "/logs/stream")]
          yield* until("both have begun", () => [mine, theirs].every(({ got }) => got().includes(":keepalive")))
          yield* (yield* Keys).suspend(PublicKey.make(to.publicKey), "test", "root/test")
          yield* until("the suspended one has ended", () => mine.got().endsWith("0\r\n\r\n") || mine.closed())
          expect(theirs.closed()).toBe(false)
          return theirs
        }),
        { stopWithin: "10 minutes" }
      )
      yield* until("the other has ended", theirs.closed)
    })
  )

  live("is refused beyond a key's part of all that may be followed", () =>
    inServer(
      Effect.gen(function* () {
        const [to, other] = [yield* caller("one"), yield* caller("other")]
        const many = yield* Effect.forEach(Array.from({ length: 40 }), () => follow(to, "/logs/stream"))
        yield* until("some are refused", () => many.some(({ got }) => got().includes("too_many_streams")))
        const theirs = yield* follow(other, "/logs/stream")
        yield* until("another key's begins", () => theirs.got().includes(":keepalive"))
        for (const { socket } of many) socket.destroy()
        const again = async () => {
          const one = followed(to, "/logs/stream")
          await new Promise((resolve) => setTimeout(resolve, 100))
          one.socket.destroy()
          return one.got().includes(":keepalive")
        }
        yield* Effect.promise(() => eventually("there is room again", again, 5_000))
      })
    )
  )
})

describe("a log on which nothing happens", () => {
  effect("is kept alive by a comment every fifteen seconds, for an hour at most", () =>
    Effect.gen(function* () {
      const { layer, projectors } = Projections.make()
      const test = Effect.gen(function* () {
        const filter = { source: undefined, level: "debug", grep: "" } as const
        const followed = { owner: "unsb-pk-nobody", filter, from: 0, allowed: Effect.succeed(true) }
        const frames = LogStream.frames(yield* LogLines, followed, 3_600_000)
        const told = yield* Effect.fork(Stream.runCollect(frames))
        yield* TestClock.adjust("44 seconds")
        expect(yield* Effect.map(Fiber.poll(told), Option.isNone)).toBe(true)
        for (let minutes = 0; minutes < 60; minutes++) yield* TestClock.adjust("1 minute")
        const all = [...(yield* Fiber.join(told))].map((bytes) => Buffer.from(bytes).toString())
        expect(new Set(all)).toEqual(new Set([":keepalive\n\n"]))
        expect(all.length).toBeGreaterThanOrEqual(240)
      })
      yield* Effect.provide(test, Layer.provideMerge(layer, storage(projectors)))
    })
  )
})

describe("what no part of this server does", () => {
  live("is said: pictures are not drawn, keys are not sold", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const drawn = yield* ask(to, "POST", "/image", { body: { prompt: "a lighthouse" } })
        expect(drawn).toMatchObject({ status: 501, json: { error: "not_implemented", code: "NOT_IMPLEMENTED" } })
        expect((yield* ask(to, "POST", "/image", { body: {}, sign: false })).status).toBe(401)
        const page = yield* ask(to, "GET", `/keys/extend?pk=${to.publicKey}`, { sign: false })
        expect(page.status).toBe(200)
        expect(page.headers["content-type"]).toContain("text/html")
        expect(page.text).toContain(to.publicKey)
        const trap = yield* ask(to, "GET", "/keys/extend?pk=%3Cscript%3E", { sign: false })
        expect(trap.text).not.toContain("script")
        expect(page.headers["content-security-policy"]).toContain("default-src 'none'")
      })
    )
  )
})
