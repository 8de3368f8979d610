/** Verifies: D25 at the proxy itself, over its real socket, with real servers and a real name server. */
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { EgressPolicies } from "../../actors/egress/EgressPolicies.js"
import { stream } from "../../events/Envelope.js"
import { EventLog } from "../../src/log/EventLog.js"
import { eventually } from "../support/eventually.js"
import * as H from "../support/history.js"
import { live } from "../support/it.js"
import { nameserver } from "./nameserver.js"
import { ann, ask, bob, claim, client, connectTo, get, listening, proxied, refusals } from "./proxied.js"

const change = (verb: "allow" | "deny" | "clear", rules: ReadonlyArray<string>, key: typeof ann | null = null) =>
  Effect.flatMap(EgressPolicies, (policies) => policies.change({ key, verb, rules }, "operator"))

const promise = Effect.promise
const echo = listening((socket) => socket.pipe(socket))

const page = (body: string, ...headers: ReadonlyArray<string>) =>
  [`HTTP/1.1 200 OK`, `Content-Length: ${body.length}`, ...headers, "", body].join("\r\n")

/** Answers every request with what it got, and keeps the connection. */
const mirror = listening((socket) => {
  let seen = ""
  socket.on("data", (bytes) => {
    seen += bytes.toString("latin1")
    if (/\r\n\r\n/.test(seen)) socket.write(page(seen))
  })
})

describe("CONNECT", () => {
  live("carries bytes both ways to what the operator opened, and passes each side's end on", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        const server = yield* echo
        yield* change("allow", ["127.0.0.2"])
        const one = client(path)
        one.socket.write(connectTo(`127.0.0.2:${server.port}`))
        yield* promise(() => one.until(/200 Connection Established\r\n\r\n$/))
        const body = "x".repeat(3_000_000)
        one.socket.end(body)
        const text = yield* promise(() => one.closed)
        expect(text.length - text.indexOf("\r\n\r\n") - 4).toBe(body.length)
      })
    )
  )

  live("takes the preface, the head and the first bytes in any pieces", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        const server = yield* echo
        yield* change("allow", ["127.0.0.2"])
        const whole = `container ${H.containerId(1)} a-label\n${connectTo(`127.0.0.2:${server.port}`)}hello`
        const one = client(path, 1, whole)
        expect(yield* promise(() => one.until(/hello$/))).toContain("200 Connection")
        const slow = client(path, 1, "cont")
        for (const piece of whole.slice(4).match(/.{1,7}/gs) ?? []) {
          yield* promise(() => new Promise((resolve) => slow.socket.write(piece, resolve)))
          yield* Effect.sleep("1 millis")
        }
        yield* promise(() => slow.until(/hello$/))
        one.socket.destroy()
        slow.socket.destroy()
      })
    )
  )

  live("slows the sender to the pace of the receiver", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        const server = yield* listening((socket) => socket.pause())
        yield* change("allow", ["127.0.0.2"])
        const one = client(path)
        one.socket.write(connectTo(`127.0.0.2:${server.port}`))
        yield* promise(() => one.until(/200/))
        const bytes = Buffer.alloc(64 * 2 ** 20)
        one.socket.write(bytes)
        yield* Effect.sleep("300 millis")
        expect(one.socket.writableLength).toBeGreaterThan(32 * 2 ** 20)
        one.socket.destroy()
      })
    )
  )
})

describe("plain HTTP", () => {
  live("is carried with the headers that are the server's, and none that are the proxy's", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        const { port } = yield* mirror
        yield* change("allow", ["127.0.0.2"])
        const hop = [
          "Proxy-Authorization: Basic eA==",
          "Proxy-Connection: keep-alive",
          "Connection: X-Mine, keep-alive"
        ]
        const request = get(`http://127.0.0.2:${port}/a/../b?c#d`, ...hop, "X-Mine: 1", "TE: trailers", "X-Kept: yes")
        const said = yield* promise(() => ask(path, request))
        expect(said).toContain(`GET /a/../b?c HTTP/1.1`)
        expect(said.toLowerCase()).toContain(`host: 127.0.0.2:${port}`)
        expect(said.toLowerCase()).toContain("x-kept: yes")
        expect(said.toLowerCase()).not.toMatch(/x-mine|proxy-|x-forwarded|forwarded:|via:|te: trailers|whatever/)
      })
    )
  )

  live("carries a body without keeping it, and says so when the server breaks off", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        let got = 0
        const sink = yield* listening((socket) => {
          socket.on("data", (bytes) => {
            got += bytes.length
            if (got > 5_000_000) socket.write(page("done"))
          })
        })
        const rude = yield* listening((socket) => socket.once("data", () => socket.destroy()))
        yield* change("allow", ["127.0.0.2"])
        const body = "y".repeat(5_000_000)
        const post = `POST http://127.0.0.2:${sink.port}/ HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`
        expect(yield* promise(() => ask(path, post))).toMatch(/200 OK[\s\S]*done$/)
        const broken = yield* promise(() => ask(path, get(`http://127.0.0.2:${rude.port}/`)))
        expect(broken).toMatch(/^HTTP\/1.1 502/)
      })
    )
  )

  live("lets no server answer for another: one request a connection, framed anew", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        const answers = [
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\nevil",
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
          "HTTP/1.1 200 OK\r\nX-A: b\rX-Evil: c\r\nContent-Length: 2\r\n\r\nok",
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: content-length, keep-alive\r\n\r\nok"
        ]
        yield* change("allow", ["127.0.0.2"])
        for (const raw of answers) {
          const { port } = yield* listening((socket) => socket.once("data", () => socket.end(raw)))
          const two = get(`http://127.0.0.2:${port}/1`) + get(`http://127.0.0.2:${port}/2`)
          const said = yield* promise(() => ask(path, two))
          expect(said.toLowerCase()).not.toMatch(/^x-evil/m)
          expect(said).not.toContain("evil")
          expect(said.match(/^HTTP\/1.1 200/gm)?.length ?? 0).toBeLessThanOrEqual(1)
        }
      })
    )
  )

  live("does not understand what could be understood in two ways", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        const both =
          "POST http://a.example/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        const bad = [
          both,
          "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
          get("https://a.example/"),
          get("http://u:p@127.0.0.1/"),
          "nonsense\r\n\r\n"
        ]
        for (const request of bad) expect(yield* promise(() => ask(path, request))).toMatch(/^HTTP\/1.1 400/)
        const long = get("http://a.example/", `X: ${"x".repeat(20_000)}`)
        expect(yield* promise(() => ask(path, long))).toMatch(/^HTTP\/1.1 431/)
      })
    )
  )
})

describe("destinations", () => {
  const literals = [
    ...["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"],
    ...["[::127.0.0.1]", "169.254.169.254", "10.0.0.1", "192.168.0.1", "[fe80::1]", "[64:ff9b::7f00:1]", "0.0.0.0"]
  ]
  live("that are closed are refused, whatever they are written like, and each refusal is told", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        for (const literal of literals) {
          expect(yield* promise(() => ask(path, connectTo(`${literal}:80`)))).toMatch(/^HTTP\/1.1 403/)
          expect(yield* promise(() => ask(path, get(`http://${literal}/`)))).toMatch(/^HTTP\/1.1 403/)
        }
        const told = yield* refusals(8)
        const metadata = told.find(({ action }) => action === "reach 169.254.169.254:80")
        expect(metadata).toMatchObject({ principal: ann, certainty: "refused", count: 2 })
        expect(metadata?.reason).toContain("is metadata")
        expect(metadata?.reason).toContain(H.containerId(1))
      })
    )
  )

  live("are judged by every address of their name, and dialed at those", () =>
    Effect.gen(function* () {
      const dns = yield* nameserver((name, asked) => {
        if (name === "good.example") return ["127.0.0.2"]
        if (name === "mixed.example") return ["127.0.0.2", "10.0.0.1"]
        // Another address for each question: whoever asks twice connects elsewhere.
        if (name === "rebind.example") return asked < 2 ? ["127.0.0.2"] : ["127.0.0.3"]
        return name === "six.example" ? ["127.0.0.2", "fd00::1"] : []
      })
      yield* proxied({ resolvers: [dns.address] }, (path) =>
        Effect.gen(function* () {
          const here = yield* listening((socket) => socket.end("here"))
          yield* change("allow", ["127.0.0.2"])
          const to = (name: string) => promise(() => ask(path, connectTo(`${name}:${here.port}`)))
          const before = dns.asked()
          expect(yield* to("rebind.example")).toMatch(/here$/)
          expect(dns.asked()).toBe(before + 2)
          expect(yield* to("good.example")).toMatch(/here$/)
          expect(yield* to("GOOD.example.")).toMatch(/here$/)
          expect(yield* to("mixed.example")).toMatch(/^HTTP\/1.1 403/)
          expect(yield* to("six.example")).toMatch(/^HTTP\/1.1 403/)
          expect(yield* to("nowhere.example")).toMatch(/^HTTP\/1.1 502/)
          const told = yield* refusals(3)
          expect(told.map(({ certainty }) => certainty).sort()).toEqual(["refused", "refused", "uncertain"])
        })
      )
    })
  )

  live(
    "whose name servers keep silent are refused in time",
    () =>
      Effect.gen(function* () {
        const dns = yield* nameserver(() => "silence")
        yield* proxied({ resolvers: [dns.address] }, (path) =>
          Effect.gen(function* () {
            expect(yield* promise(() => ask(path, connectTo("slow.example:443")))).toMatch(/^HTTP\/1.1 502/)
            const [told] = yield* refusals(1)
            expect(told).toMatchObject({ certainty: "uncertain", action: "reach slow.example:443" })
          })
        )
      }),
    15_000
  )

  live("on closed ports are refused", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        yield* change("allow", ["127.0.0.2"])
        expect(yield* promise(() => ask(path, connectTo("127.0.0.2:25")))).toMatch(/^HTTP\/1.1 403[\s\S]*port 25/)
      })
    )
  )

  live("that do not answer are told as such", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        yield* change("allow", ["127.0.0.2"])
        expect(yield* promise(() => ask(path, connectTo("127.0.0.2:1")))).toMatch(/^HTTP\/1.1 502[\s\S]*ECONNREFUSED/)
      })
    )
  )
})

describe("whose connection it is", () => {
  live("is what the preface says, of a claimed container of that network and no other", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        const server = yield* echo
        yield* change("allow", ["127.0.0.2"])
        yield* claim(3, bob, "zerotrust")
        const log = yield* EventLog
        yield* log.append(H.ofContainer(2, 2, H.gone(2)))
        const request = connectTo(`127.0.0.2:${server.port}`)
        expect(yield* promise(() => ask(path, request, 2))).toMatch(/^HTTP\/1.1 503/)
        expect(yield* promise(() => ask(path, request, 9))).toMatch(/^HTTP\/1.1 503/)
        expect(yield* promise(() => ask(path, request, 3))).toMatch(/^HTTP\/1.1 403/)
        const told = yield* refusals(3)
        expect(told.map(({ certainty, principal }) => [principal, certainty]).sort()).toEqual([
          [bob, "refused"],
          [H.containerId(2), "uncertain"],
          [H.containerId(9), "uncertain"]
        ])
      })
    )
  )

  live("is not to be had without a preface", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        for (const preface of [
          "GET / HTTP/1.1\r\n\r\n",
          "container x -\n",
          `container ${H.containerId(1)}\n`,
          "y".repeat(300)
        ])
          expect(yield* promise(() => client(path, 1, preface).closed)).toBe("")
      })
    )
  )

  live("decides which lists hold: a key's own allow-list stands in place of the server's", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        const server = yield* listening((socket) => socket.end("here"))
        const request = connectTo(`127.0.0.2:${server.port}`)
        yield* change("allow", ["127.0.0.2"], ann)
        expect(yield* promise(() => ask(path, request, 1))).toMatch(/here$/)
        expect(yield* promise(() => ask(path, request, 2))).toMatch(/^HTTP\/1.1 403/)
        yield* change("allow", ["127.0.0.2"])
        expect(yield* promise(() => ask(path, request, 2))).toMatch(/here$/)
        yield* change("deny", ["127.0.0.0/8"], bob)
        expect(yield* promise(() => ask(path, request, 2))).toMatch(/^HTTP\/1.1 403/)
        expect(yield* promise(() => ask(path, request, 1))).toMatch(/here$/)
        yield* change("deny", [`127.0.0.2:${server.port}`])
        expect(yield* promise(() => ask(path, request, 1))).toMatch(/^HTTP\/1.1 403/)
      })
    )
  )
})

describe("a change of the lists", () => {
  live("closes what it refuses, at once, and leaves the rest alone", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        const [server, other] = [yield* echo, yield* echo]
        yield* change("allow", ["127.0.0.2"])
        const tunnel = (port: number, container: number) => {
          const one = client(path, container)
          one.socket.write(connectTo(`127.0.0.2:${port}`))
          return promise(() => one.until(/200 Connection/)).pipe(Effect.as(one))
        }
        const [cut, kept, others] = [
          yield* tunnel(server.port, 1),
          yield* tunnel(other.port, 1),
          yield* tunnel(server.port, 2)
        ]
        yield* change("deny", [`127.0.0.2:${server.port}`], ann)
        yield* promise(() => cut.closed)
        yield* promise(() => eventually("its server sees it too", () => server.sockets.size === 1))
        for (const one of [kept, others]) {
          one.socket.write("still here")
          yield* promise(() => one.until(/still here$/))
        }
        const [told] = yield* refusals(1)
        expect(told).toMatchObject({ principal: ann, action: `stay at 127.0.0.2:${server.port}` })
        yield* change("clear", [])
        yield* promise(() => Promise.all([kept.closed, others.closed]))
      })
    )
  )

  live("is an event that says what was opened, and by whom", () =>
    proxied({}, () =>
      Effect.gen(function* () {
        const lists = yield* change("allow", ["*", "10.0.0.0/8"])
        expect(lists).toEqual({ allow: ["*", "10.0.0.0/8"], deny: [] })
        const refused = yield* Effect.flip(change("deny", ["10.1/16"]))
        expect(refused._tag).toBe("PolicyRefused")
        expect((yield* Effect.flip(change("deny", ["*"], H.owner("nobody-1"))))._tag).toBe("PolicyRefused")
        const rows = yield* Effect.flatMap(EventLog, (log) => log.read(stream("egress", "server")))
        expect(rows).toHaveLength(1)
        expect(rows[0]).toMatchObject({ by: "operator", data: { key: null, opens: ["10.0.0.0/8"] } })
        const policies = yield* EgressPolicies
        yield* change("deny", ["x.example"], ann)
        expect(yield* policies.list).toEqual([
          { key: null, allow: ["*", "10.0.0.0/8"], deny: [] },
          { key: ann, allow: [], deny: ["x.example"] }
        ])
      })
    )
  )
})

describe("bounds", () => {
  live("keep one container from taking every connection", () =>
    proxied({ perContainer: 3, total: 5 }, (path) =>
      Effect.gen(function* () {
        const server = yield* echo
        yield* change("allow", ["127.0.0.2"])
        const mine = Array.from({ length: 3 }, () => client(path, 1))
        for (const one of mine) one.socket.write(connectTo(`127.0.0.2:${server.port}`))
        for (const one of mine) yield* promise(() => one.until(/200/))
        expect(yield* promise(() => client(path, 1).closed)).toMatch(/^HTTP\/1.1 503/)
        const other = client(path, 2)
        other.socket.write(connectTo(`127.0.0.2:${server.port}`))
        yield* promise(() => other.until(/200/))
        mine[0]?.socket.destroy()
        yield* promise(() => eventually("its place is free", () => server.sockets.size === 3))
        const again = client(path, 1)
        again.socket.write(connectTo(`127.0.0.2:${server.port}`))
        yield* promise(() => again.until(/200/))
        for (const one of [...mine, other, again]) one.socket.destroy()
      })
    )
  )

  live("let nobody who was refused keep the connection by going on talking", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        const one = client(path)
        one.socket.removeAllListeners("end")
        one.socket.write(connectTo("10.0.0.1:80"))
        const talk = setInterval(() => one.socket.write("and another thing"), 50)
        expect(yield* promise(() => one.closed)).toMatch(/^HTTP\/1.1 403/)
        clearInterval(talk)
      })
    )
  )

  live(
    "close who does not say in time what it wants",
    () =>
      proxied({}, (path) =>
        Effect.gen(function* () {
          const [silent, mute] = [client(path, 1, ""), client(path, 1)]
          mute.socket.write("GET http://a.example/ HT")
          expect(yield* promise(() => Promise.all([silent.closed, mute.closed]))).toEqual(["", ""])
        })
      ),
    20_000
  )
})
