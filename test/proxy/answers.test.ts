/** Verifies: whatever a service answers, and whatever a visitor asks, the proxy lives on and says only what is HTTP. */
import { connect, createServer as createTcp, type Socket } from "node:net"
import { connect as secured } from "node:tls"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { Destination, Destinations } from "../../src/proxy/Destinations.js"
import * as Proxy from "../../src/proxy/Proxy.js"
import * as Secure from "../../src/tls/Secure.js"
import { isClean, sayable, unsayable } from "../strangers/answers.js"
import { pairIn } from "../support/certificates.js"
import { eventually } from "../support/eventually.js"
import { live } from "../support/it.js"
import { directory } from "../support/storage.js"
import { dialing, inside, listening, portOf, proxyTo, service, visit, wakeful } from "./visitors.js"

/** All that comes back until the line is closed. */
const said = (port: number, says: string, open: () => Socket = () => connect({ host: "127.0.0.1", port })) =>
  Effect.async<string>((resume) => {
    let text = ""
    const socket = open()
    socket.setEncoding("latin1").on("data", (more: string) => {
      text += more
    })
    socket.on("error", () => undefined).on("close", () => resume(Effect.sync(() => text)))
    socket.write(says)
    return Effect.sync(() => socket.destroy())
  })

const to = (port: number) =>
  proxyTo(() =>
    Effect.succeed(
      Destination.Ready({ name: "web", service, line: `one:${port}`, dial: dialing(port), asleep: wakeful })
    )
  )

/** Says that to whatever it is asked, and hangs up. */
const saying = (answer: string) =>
  Effect.flatMap(
    listening(
      createTcp((socket) =>
        socket.on("error", () => undefined).once("data", () => socket.end(Buffer.from(answer, "latin1")))
      )
    ),
    (server) => to(portOf(server))
  )

const get = (...headers: ReadonlyArray<string>) =>
  [`GET / HTTP/1.1`, "Host: web.on.test", ...headers, "", ""].join("\r\n")
const plain = get("Connection: close")
const upgrade = get("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
/** None of these may be the answer to one who does want another protocol. */
const toUpgrade = unsayable.filter((answer) => !answer.includes("Upgrade: other"))

describe("an answer that cannot be passed on", () => {
  live("is a 502 to its visitor, and the next one is answered", () =>
    Effect.gen(function* () {
      const good = yield* to(yield* inside(() => "fine"))
      for (const answer of unsayable) {
        const port = yield* saying(answer)
        for (const method of ["GET", "POST"]) {
          const { body, status } = yield* visit(port, { method, headers: { accept: "application/json" } })
          expect([answer, status, JSON.parse(body).error]).toEqual([answer, 502, "service_unreachable"])
        }
      }
      expect((yield* visit(good, {})).body).toBe("fine")
    })
  )

  live("is a 502 to a visitor who wants another protocol, or the end", () =>
    Effect.gen(function* () {
      for (const answer of toUpgrade) {
        const text = yield* said(yield* saying(answer), upgrade)
        expect([answer, text === "" || text.startsWith("HTTP/1.1 502 Bad Gateway\r\n")]).toEqual([answer, true])
      }
    })
  )
})

describe("an answer that can be passed on", () => {
  live("is, without what cannot", () =>
    Effect.gen(function* () {
      for (const asked of [plain, upgrade])
        for (const [answer, line] of sayable) {
          const text = yield* said(yield* saying(answer), asked)
          expect([answer, text.slice(0, line.length), isClean(text)]).toEqual([answer, line, true])
          if (!line.includes("204")) expect(text).toMatch(/hi(\r\n0\r\n\r\n)?$/)
        }
    })
  )

  live("keeps its headers' bytes, also where another protocol begins", () =>
    Effect.gen(function* () {
      const head = "HTTP/1.1 101 X\x01\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nA: \xe9\x80\r\n\r\n"
      const text = yield* said(yield* saying(`${head}hello`), upgrade)
      expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
      expect(text).toContain("\r\na: \xe9\x80\r\n")
      expect(text).toMatch(/\r\n\r\nhello$/)
    })
  )
})

describe("a visitor", () => {
  live("who announces trailers, or waits to be told to go on, is answered", () =>
    Effect.gen(function* () {
      const port = yield* to(yield* inside(({ headers }, body) => JSON.stringify({ ...headers, body })))
      for (const asked of [
        get("Trailer: a", "Connection: close"),
        get("Trailer: a", "Expect: 100-continue", "Content-Length: 2", "Connection: close").replace("GET", "POST")
      ]) {
        const text = yield* said(port, `${asked}${asked.includes("POST") ? "ab" : ""}`)
        expect(text).toMatch(/^(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 200 OK\r\n/)
        expect(text).not.toMatch(/"trailer"|"expect"/)
      }
      const text = yield* said(port, get("Trailer: a", "Connection: Upgrade", "Upgrade: websocket"))
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    })
  )

  live("who would speak another version of HTTP is answered in this one, with all that it asked", () =>
    Effect.gen(function* () {
      const port = yield* to(
        yield* inside(({ headers, method, url }, body) => JSON.stringify({ headers, method, url, body }))
      )
      const wish = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"]
      const text = yield* said(port, get(...wish))
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      const { headers, method, url } = JSON.parse(text.slice(text.indexOf("{")))
      expect([method, url, headers.upgrade, headers["http2-settings"]]).toEqual(["GET", "/", undefined, undefined])
      const body = "b".repeat(200_000)
      const posted = get(...wish, `Content-Length: ${body.length}`).replace("GET / ", "POST /x?y=1 ")
      const answer = yield* said(port, posted + body)
      expect(JSON.parse(answer.slice(answer.indexOf("{")))).toMatchObject({ method: "POST", url: "/x?y=1", body })
    })
  )
})

describe("a visitor over TLS", () => {
  live("who would speak another version of HTTP is answered in this one", () =>
    Effect.gen(function* () {
      const dial = dialing(yield* inside(({ method }, body) => `${method} ${body}`))
      const byHost = () =>
        Effect.succeed(Destination.Ready({ name: "web", service, line: "one:80", dial, asleep: wakeful }))
      const secure = yield* Secure.make(pairIn(yield* directory, "proxy"))
      const { port } = yield* Effect.provideService(
        Proxy.start({ host: "127.0.0.1", ports: [0], secure }),
        Destinations,
        { byHost, byService: byHost, publicPorts: Effect.succeed([]) }
      )
      const wish = get("Connection: Upgrade", "Upgrade: h2c", "Content-Length: 2").replace("GET", "POST")
      const text = yield* said(port, `${wish}ab`, () => secured({ host: "127.0.0.1", port, rejectUnauthorized: false }))
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*POST ab/)
    })
  )
})

describe("a visitor who is refused another protocol", () => {
  live("keeps no connection, whatever it sends after that, and if it never goes", () =>
    Effect.gen(function* () {
      const inner = yield* inside(() => "no")
      let [dialed, ended] = [0, 0]
      const dial = Effect.zipRight(
        Effect.acquireRelease(
          Effect.sync(() => (dialed += 1)),
          () => Effect.sync(() => (ended += 1))
        ),
        dialing(inner)
      )
      const port = yield* proxyTo(() =>
        Effect.succeed(Destination.Ready({ name: "web", service, line: "one:80", dial, asleep: wakeful }))
      )
      expect(yield* said(port, `${upgrade}more`)).toMatch(/^HTTP\/1\.1 200/)
      const stays = yield* Effect.acquireRelease(
        Effect.sync(() => connect({ host: "127.0.0.1", port, allowHalfOpen: true }).resume()),
        (socket) => Effect.sync(() => socket.destroy())
      )
      stays.on("error", () => undefined).write(`${upgrade}more`)
      yield* Effect.promise(() => eventually("both visits ended", () => dialed === 2 && ended === 2))
    })
  )
})
