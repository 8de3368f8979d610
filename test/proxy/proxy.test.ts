/** What visitors of services get: the service's own answers, byte for byte, or a clear reason why not. */
import { createHash, randomBytes } from "node:crypto"
import { createServer, type ServerOptions, type ServerResponse } from "node:http"
import { connect, createServer as createTcp, type Socket } from "node:net"
import { Deferred, Effect } from "effect"
import { describe, expect } from "vitest"
import { Destination, type PublicPort, Unreachable } from "../../src/proxy/Destinations.js"
import { eventually } from "../support/eventually.js"
import { live } from "../support/it.js"
import { dialing, inside, listening, portOf, proxyTo, Sleeper, service, visit, wakeful } from "./visitors.js"

const ready = (port: number) =>
  Effect.succeed(Destination.Ready({ name: "web", service, line: "one:80", dial: dialing(port), asleep: wakeful }))

/** All that a peer sends until it closes. */
const everything = (socket: Socket) =>
  Effect.async<Buffer>((resume) => {
    const parts: Array<Buffer> = []
    socket.on("data", (part) => parts.push(part))
    socket.on("error", () => undefined)
    socket.on("close", () => resume(Effect.sync(() => Buffer.concat(parts))))
  })

const dialed = (port: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true })
      return socket.on("end", () => socket.end())
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

describe("a service that runs", () => {
  live("answers its visitors itself", () =>
    Effect.gen(function* () {
      const port = yield* proxyTo(yield* running)
      const answer = yield* visit(port, { method: "POST", path: "/a?b=%2F", body: "hello" })
      expect(answer.status).toBe(200)
      expect(JSON.parse(answer.body)).toMatchObject({ url: "/a?b=%2F", method: "POST", body: "hello" })
    })
  )

  live("is told who visits it by the proxy alone", () =>
    Effect.gen(function* () {
      const port = yield* proxyTo(yield* running)
      const claims = { "x-forwarded-for": "6.6.6.6", "x-real-ip": "6.6.6.6", forwarded: "for=6.6.6.6" }
      const { body } = yield* visit(port, { headers: claims, host: "web.on.test:81" })
      const { headers } = JSON.parse(body)
      expect(headers).toMatchObject({
        host: "web.on.test:81",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http"
      })
      expect(body).not.toContain("6.6.6.6")
    })
  )

  live("streams: the visitor has the first half before the service has made the second", () =>
    Effect.gen(function* () {
      const half = yield* Deferred.make<void>()
      const server = yield* listening(
        createServer((_, response) => {
          response.write("first")
          Effect.runFork(Effect.map(Deferred.await(half), () => response.end("second")))
        })
      )
      const port = yield* proxyTo(() => ready(portOf(server)))
      const socket = yield* dialed(port)
      const rest = yield* Effect.fork(everything(socket))
      yield* Effect.async<void>((resume) => {
        socket.write("GET / HTTP/1.1\r\nHost: web.on.test\r\nConnection: close\r\n\r\n")
        socket.on("data", (part) => {
          if (part.includes("first")) resume(Effect.void)
        })
      })
      yield* Deferred.succeed(half, undefined)
      expect((yield* rest).toString()).toContain("second")
    })
  )

  live("speaks WebSocket, or any upgraded bytes, both ways", () =>
    Effect.gen(function* () {
      const server = yield* listening(createServer())
      server.on("upgrade", (request, socket) => {
        const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
        const accept = createHash("sha1").update(key).digest("base64")
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
        )
        socket.pipe(socket)
      })
      const port = yield* proxyTo(() => ready(portOf(server)))
      const socket = yield* dialed(port)
      const sent = randomBytes(1 << 20)
      const all = yield* Effect.fork(everything(socket))
      const head = ["GET /ws HTTP/1.1", "Host: web.on.test", "Upgrade: websocket", "Connection: Upgrade"]
      const key = ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
      socket.write(`${[...head, ...key].join("\r\n")}\r\n\r\n`)
      socket.end(sent)
      const got = yield* all
      expect(got.subarray(0, 12).toString()).toBe("HTTP/1.1 101")
      expect(got.subarray(got.indexOf("\r\n\r\n") + 4).equals(sent)).toBe(true)
    })
  )

  live("costs its visitor a 502 when it does not answer", () =>
    Effect.gen(function* () {
      const dial = Effect.fail(new Unreachable({ reason: "nothing listens on port 80" }))
      const port = yield* proxyTo(() =>
        Effect.succeed(Destination.Ready({ name: "web", service, line: "one:80", dial, asleep: wakeful }))
      )
      const answer = yield* visit(port, { headers: { accept: "application/json" } })
      expect(answer.status).toBe(502)
      expect(JSON.parse(answer.body)).toMatchObject({ error: "service_unreachable" })
      expect(answer.headers["retry-after"]).toBe("1")
    })
  )

  live("that hangs up in the middle costs its visitor the answer, not the proxy its life", () =>
    Effect.gen(function* () {
      const server = yield* listening(createTcp((socket) => socket.on("data", () => socket.destroy())))
      const port = yield* proxyTo(() => ready(portOf(server)))
      expect((yield* visit(port, {})).status).toBe(502)
      expect((yield* visit(port, {})).status).toBe(502)
    })
  )
})

const inner = inside(({ headers, method, url }, body) => JSON.stringify({ headers, method, url, body }))

/** What a service says of the request that reached it. */
const running = Effect.map(inner, (port) => () => ready(port))

describe("a service that does not run", () => {
  const told = (destination: Destination, accept = "text/html") =>
    Effect.flatMap(
      proxyTo(() => Effect.succeed(destination)),
      (port) => visit(port, { headers: { accept } })
    )

  live("is a page when it is frozen, or JSON when its owner wants no page", () =>
    Effect.gen(function* () {
      const page = yield* told(Destination.Asleep({ name: "web", page: true }))
      expect([page.status, page.headers["content-type"]]).toEqual([503, "text/html; charset=utf-8"])
      const json = yield* told(Destination.Asleep({ name: "web", page: false }))
      expect([json.status, JSON.parse(json.body).error]).toEqual([503, "service_frozen"])
    })
  )

  live("is gone for ever when it was destroyed, and says why", () =>
    Effect.gen(function* () {
      const gone = yield* told(Destination.Destroyed({ name: "web", cause: "<its owner>", at: 1_700_000_000_000_000 }))
      expect(gone.status).toBe(410)
      expect(gone.body).toContain("2023-11-14T22:13:20.000Z: &lt;its owner&gt;.")
    })
  )

  live("is unknown, or down", () =>
    Effect.gen(function* () {
      expect((yield* told(Destination.Unknown())).status).toBe(404)
      const down = yield* told(Destination.Down({ name: "web", reason: "it failed", retry: true }))
      expect([down.status, down.headers["retry-after"]]).toEqual([503, "2"])
    })
  )
})

describe("visitors", () => {
  live("are served by the name in their Host header, in any writing of it", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const port = yield* proxyTo((host) =>
        Effect.sync(() => {
          asked.push(host)
          return Destination.Unknown()
        })
      )
      for (const host of ["Web.On.Test", "web.on.test.", "web.on.test:8443"]) yield* visit(port, { host })
      expect(asked).toEqual(["web.on.test", "web.on.test", "web.on.test"])
      for (const host of ["127.0.0.1", "[::1]", "a b", "-a.test", `${"a".repeat(64)}.test`, "a..b"])
        expect([host, (yield* visit(port, { host })).status]).toEqual([host, 400])
    })
  )

  live("who come while it wakes are all served, by one awakening", () =>
    Effect.gen(function* () {
      let woken = 0
      const server = yield* inner
      const awake = yield* Deferred.make<number>()
      const port = yield* proxyTo(() => Effect.flatMap(Deferred.await(awake), ready))
      const many = yield* Effect.fork(
        Effect.forEach(Array.from({ length: 300 }), () => visit(port, {}), { concurrency: "unbounded" })
      )
      yield* Effect.sleep("200 millis")
      yield* Deferred.complete(
        awake,
        Effect.sync(() => {
          woken += 1
          return server
        })
      )
      const answers = yield* many
      expect(answers.every(({ status }) => status === 200)).toBe(true)
      expect(woken).toBe(1)
    })
  )

  live("cannot smuggle a second request in the first", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const server = yield* inside(({ url = "" }) => {
        seen.push(url)
        return "ok"
      })
      const port = yield* proxyTo(() => ready(server))
      const socket = yield* dialed(port)
      const all = yield* Effect.fork(everything(socket))
      const head =
        "POST /first HTTP/1.1\r\nHost: web.on.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
      socket.end(`${head}0\r\n\r\nGET /second HTTP/1.1\r\nHost: web.on.test\r\n\r\n`)
      yield* all
      expect(seen).toEqual([])
    })
  )
})

describe("a public port", () => {
  live("leads to its service as long as it has one, half-closing and all", () =>
    Effect.gen(function* () {
      const server = yield* listening(
        createTcp({ allowHalfOpen: true }, (socket) => {
          const parts: Array<Buffer> = []
          socket.on("data", (part) => parts.push(part)).on("end", () => socket.end(Buffer.concat(parts).reverse()))
        })
      )
      const free = yield* Effect.scoped(Effect.map(listening(createTcp()), portOf))
      const ports: { now: ReadonlyArray<PublicPort> } = { now: [{ port: free, service }] }
      yield* proxyTo(() => ready(portOf(server)), ports)
      const echo = Effect.gen(function* () {
        const socket = yield* dialed(free)
        const all = yield* Effect.fork(everything(socket))
        socket.end("abc")
        return (yield* all).toString()
      }).pipe(Effect.scoped)
      const said = (wanted: string) =>
        Effect.promise(() => eventually(`it says ${wanted}`, async () => (await Effect.runPromise(echo)) === wanted))
      yield* said("cba")
      ports.now = []
      yield* said("")
    })
  )
})

describe("a connection that is kept", () => {
  /** Counts connections, and requests. */
  const counting = (answer: (response: ServerResponse, nth: number) => void, options: ServerOptions = {}) =>
    Effect.gen(function* () {
      const seen = { connections: 0, requests: 0, open: 0 }
      const server = yield* listening(
        createServer(options, (request, response) => {
          seen.requests += 1
          request.resume().on("end", () => answer(response, seen.requests))
        })
      )
      server.on("connection", (socket) => {
        seen.connections += 1
        seen.open += 1
        socket.on("close", () => {
          seen.open -= 1
        })
      })
      const port = yield* proxyTo(() => ready(portOf(server)))
      return { seen, port, server }
    })

  live("serves one visitor after the other, and is closed when nobody comes", () =>
    Effect.gen(function* () {
      const { port, seen } = yield* counting((response) => response.end("hi"), { keepAliveTimeout: 60_000 })
      for (let nth = 0; nth < 20; nth += 1) expect((yield* visit(port, {})).body).toBe("hi")
      expect(seen.requests).toBe(20)
      // More than one only where this machine paused for longer than it is kept.
      expect(seen.connections).toBeLessThan(6)
      yield* Effect.promise(() => eventually("it is closed", () => seen.open === 0))
      const { connections } = seen
      expect((yield* visit(port, {})).body).toBe("hi")
      expect(seen).toMatchObject({ connections: connections + 1, requests: 21 })
    })
  )

  live("is not for what must not be done twice", () =>
    Effect.gen(function* () {
      const { port, seen } = yield* counting((response) => response.end("done"))
      yield* visit(port, {})
      for (const method of ["POST", "PUT", "PATCH"]) yield* visit(port, { method, body: "x" })
      yield* visit(port, { method: "DELETE" })
      yield* visit(port, { method: "GET", headers: { "content-length": "1" }, body: "x" })
      expect(seen).toMatchObject({ connections: 6, requests: 6 })
    })
  )

  live("that ends while it is kept costs no visitor anything", () =>
    Effect.gen(function* () {
      const { port, seen } = yield* counting((response) => {
        const { socket } = response
        // Sooner or later than the next request: sometimes under it.
        response.end("hi", () => setTimeout(() => socket?.destroy(), Math.random() * 4))
      })
      const answers = yield* Effect.forEach(
        Array.from({ length: 300 }),
        () => Effect.zipRight(Effect.sleep(Math.random() * 4), visit(port, {})),
        { concurrency: 3 }
      )
      expect(answers.filter(({ status }) => status !== 200)).toEqual([])
      expect(seen.requests).toBeGreaterThanOrEqual(300)
    })
  )

  live("is not left by visitors who leave while it is made", () =>
    Effect.gen(function* () {
      const seen = { open: 0, made: 0 }
      const server = yield* listening(
        createTcp((socket) => {
          seen.open += 1
          seen.made += 1
          socket
            .on("error", () => undefined)
            .on("close", () => {
              seen.open -= 1
            })
        })
      )
      const slow = Effect.zipLeft(dialing(portOf(server)), Effect.sleep("300 millis"))
      const port = yield* proxyTo(() =>
        Effect.succeed(Destination.Ready({ name: "web", service, line: "one:80", dial: slow, asleep: wakeful }))
      )
      for (let nth = 0; nth < 10; nth += 1) {
        const visitor = yield* dialed(port)
        visitor.write("GET / HTTP/1.1\r\nHost: web.on.test\r\n\r\n")
        yield* Effect.sleep("20 millis")
        visitor.destroy()
      }
      yield* Effect.promise(() => eventually("all were made", () => seen.made === 10))
      yield* Effect.promise(() => eventually("none is left", () => seen.open === 0))
    })
  )

  live("ends with a request that has no answer when the service is put to sleep", () =>
    Effect.gen(function* () {
      const seen = { open: 0, asked: 0 }
      const server = yield* listening(
        createServer(() => {
          seen.asked += 1
        })
      )
      server.on("connection", (socket) => {
        seen.open += 1
        socket.on("close", () => {
          seen.open -= 1
        })
      })
      const sleeper = new Sleeper()
      const [dial, asleep] = [dialing(portOf(server)), sleeper.asleep]
      const port = yield* proxyTo(() =>
        Effect.succeed(Destination.Ready({ name: "web", service, line: "one:80", dial, asleep }))
      )
      const visits = yield* Effect.fork(
        Effect.all([visit(port, {}), visit(port, { method: "POST", body: "x" })], { concurrency: "unbounded" })
      )
      yield* Effect.promise(() => eventually("both are asked", () => seen.asked === 2))
      sleeper.sleep()
      for (const { headers, status } of yield* visits) {
        expect(status).toBe(502)
        expect(headers["retry-after"]).toBe("1")
      }
      yield* Effect.promise(() => eventually("nothing is left of them", () => seen.open === 0))
      expect(sleeper.told.size).toBe(0)
      expect((yield* visit(port, {})).status).toBe(502)
      expect(seen.asked).toBe(2)
    })
  )

  live("is asked once when it is new, however it ends", () =>
    Effect.gen(function* () {
      const { port, seen } = yield* counting((response) => response.socket?.destroy())
      expect((yield* visit(port, {})).status).toBe(502)
      expect(seen.requests).toBe(1)
    })
  )

  live("does not bring the next visitor what nobody asked for", () =>
    Effect.gen(function* () {
      const forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
      const server = yield* listening(
        createTcp((socket) => {
          socket.on("error", () => undefined)
          socket.on("data", () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi${forged}`))
        })
      )
      const port = yield* proxyTo(() => ready(portOf(server)))
      for (let nth = 0; nth < 10; nth += 1) expect((yield* visit(port, {})).body).not.toContain("forged")
      const late = yield* listening(
        createTcp((socket) => {
          socket.on("error", () => undefined)
          socket.on("data", () => {
            socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            setTimeout(() => socket.write(forged), 20)
          })
        })
      )
      const other = yield* proxyTo(() => ready(portOf(late)))
      for (let nth = 0; nth < 5; nth += 1) {
        expect((yield* visit(other, {})).body).toBe("hi")
        yield* Effect.sleep("60 millis")
      }
    })
  )
})
