/** Verifies: marked variables at the proxy itself: values go to the hosts that they are marked for, and nowhere else. */
import { gzipSync } from "node:zlib"
import { Effect, Either, type Scope } from "effect"
import { describe, expect } from "vitest"
import { EgressPolicies } from "../../actors/egress/EgressPolicies.js"
import { stream } from "../../events/Envelope.js"
import * as Substitution from "../../events/Substitution.js"
import type { Variables } from "../../src/guards/VaultVariables.js"
import { EventLog } from "../../src/log/EventLog.js"
import { StoreUnavailable } from "../../src/store/Blobs.js"
import { Authority } from "../../src/store/certificates/Authority.js"
import { live } from "../support/it.js"
import { nameserver } from "./nameserver.js"
import { bob, get, listening, type Proxied, ask as plainly, proxied } from "./proxied.js"
import { ask, atHome, echoing, type Host, host, page, roots, through, whole } from "./secured.js"

const SECRET = 's3cr3t/value+with=all&sorts"of\\them'

const told = (service: string) =>
  Effect.flatMap(EventLog, (log) =>
    Effect.map(log.read(stream("egress", service)), (rows) =>
      rows.map(({ data, schema, type }) => Either.getOrThrow(Substitution.read(type, schema, data)))
    )
  )

const open = Effect.flatMap(EgressPolicies, (policies) =>
  policies.change({ key: null, verb: "allow", rules: ["127.0.0.2"] }, "operator")
)

interface Given {
  readonly path: string
  /** The one that TOKEN is marked for. */
  readonly mine: Host
  readonly to: string
  readonly ca: string
  readonly token: string
  readonly service: string
}

/** A service in container 1 whose TOKEN may go to api.example at the echoing host, and one in container 2 with nothing. */
const given = <A, E>(
  body: (it: Given) => Effect.Effect<A, E, Proxied | Scope.Scope>,
  handler: Parameters<typeof host>[1] = echoing,
  more: (port: number) => Variables = () => ({})
) =>
  Effect.gen(function* () {
    const dns = yield* nameserver((name) => (name.endsWith(".example") ? ["127.0.0.2"] : []))
    const mine = yield* host("api.example", handler)
    yield* proxied({ resolvers: [dns.address], roots: () => roots }, (path) =>
      Effect.gen(function* () {
        yield* open
        const variables = (): Variables => ({
          PLAIN: "plain",
          TOKEN: { value: SECRET, egress: [`api.example:${mine.port}`] },
          ...more(mine.port)
        })
        const { placeholder, service } = yield* atHome(1, Effect.sync(variables))
        const { certificate } = yield* Authority
        const to = `api.example:${mine.port}`
        return yield* body({ path, mine, to, ca: yield* certificate, token: placeholder("TOKEN"), service })
      })
    )
  })

describe("a marked variable", () => {
  live("goes to its host, in headers, credentials, the target and the body, each as it must be written", () =>
    given(({ ca, mine, path, service, to, token }) =>
      Effect.gen(function* () {
        expect(token).toMatch(/^unsandbox-egress-[0-9a-f]{32}$/)
        const basic = `Authorization: Basic ${Buffer.from(`ann:${token}`).toString("base64")}`
        const head = [`X-Token: ${token}`, basic, "Content-Type: application/json", "Accept-Encoding: gzip"]
        const { authorized } = yield* through(
          path,
          to,
          ca,
          ask("POST", `/a?t=${token}&${token}`, to, head, `{"t":"${token}"}`)
        )
        expect(authorized).toBe(true)
        const url = encodeURIComponent(SECRET)
        const got = mine.got()
        expect(got).toContain(`POST /a?t=${url}&${url} HTTP/1.1`)
        expect(got).toContain(`X-Token: ${SECRET}\r\n`)
        expect(got).toContain(`Basic ${Buffer.from(`ann:${SECRET}`).toString("base64")}\r\n`)
        expect(got).toContain(`\r\n\r\n${JSON.stringify({ t: SECRET })}`)
        expect(got).toContain("Accept-Encoding: identity")
        expect(got).not.toContain("unsandbox-egress")
        expect(yield* told(service)).toMatchObject([
          { _tag: "SecretSubstituted", variable: "TOKEN", host: "api.example", mark: to, port: mine.port }
        ])
      })
    )
  )

  live("comes back as its placeholder, in whatever form the host repeats it", () =>
    given(({ ca, path, to, token }) =>
      Effect.gen(function* () {
        const basic = Buffer.from(`ann:${token}`).toString("base64")
        const head = [`X-Token: ${token}`, `Authorization: Basic ${basic}`, "Content-Type: application/json"]
        const { text } = yield* through(path, to, ca, ask("POST", `/?t=${token}`, to, head, `{"t":"${token}"}`))
        expect(text).toContain(`X-Echo: ${token}`)
        expect(text).toContain(`POST /?t=${token} HTTP`)
        expect(text).toContain(`{"t":"${token}"}`)
        expect(text).toContain(`Basic ${basic}`)
        expect(text).not.toContain("s3cr3t")
        expect(text).not.toContain(Buffer.from(`ann:${SECRET}`).toString("base64").slice(8, 30))
      })
    )
  )

  live("does not come back in a reason or the name of a header, nor a part at a time", () => {
    const value = "Name-Able-Value-1"
    const odd = [`X-${value}: 1`, `x-${value.toUpperCase()}: 2`, `${value.toLowerCase()}: 3`, "X-Fine: 4"].join("\r\n")
    const upgrades = "Connection: Upgrade\r\nUpgrade: websocket"
    return given(
      ({ ca, mine, path, to, token }) =>
        Effect.gen(function* () {
          const { placeholder } = yield* atHome(
            1,
            Effect.succeed({ NAME: { value, egress: [`api.example:${mine.port}`] } })
          )
          const head = [`X-Token: ${placeholder("NAME")}`, "Range: bytes=0-3", "if-range: x"]
          for (const [more, target, first] of [
            [[], "/", "HTTP/1.1 404 Not Found\r\n"],
            [[], "/odd", "HTTP/1.1 299 unknown\r\n"],
            [["Connection: Upgrade", "Upgrade: websocket"], "/up", "HTTP/1.1 101 Switching Protocols\r\n"]
          ] as const) {
            const { text } = yield* through(path, to, ca, ask("GET", target, to, [...head, ...more]))
            expect(text.startsWith(first), text).toBe(true)
            expect(text).toContain("X-Fine: 4")
            expect(text.toLowerCase()).not.toContain(value.toLowerCase())
          }
          expect(mine.got()).toContain(`X-Token: ${value}`)
          expect(mine.got()).not.toMatch(/range/i)
          expect(token).not.toBe("")
        }),
      (socket, got) => {
        if (!whole(got)) return
        const [status, more] = got.startsWith("GET /up")
          ? [101, upgrades]
          : [got.startsWith("GET /odd") ? 299 : 404, "Content-Length: 0"]
        socket.end(`HTTP/1.1 ${status} ${value}\r\n${odd}\r\n${more}\r\n\r\n`)
      }
    )
  })

  live("is found where pieces part it, one byte after the other, and where the answer is compressed", () => {
    const pieces: Parameters<typeof host>[1] = (socket, got) => {
      if (!whole(got)) return
      if (got.startsWith("GET /gzip"))
        return void socket.end(page(gzipSync(`before ${SECRET} after`), "Content-Encoding: gzip"))
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      const send = async () => {
        for (const one of `<${SECRET}${SECRET}s3cr3t/${SECRET.slice(0, -1)}>`) {
          socket.write(`1\r\n${one}\r\n`)
          await new Promise((resolve) => setImmediate(resolve))
        }
        socket.end("0\r\n\r\n")
      }
      void send()
    }
    return given(
      ({ ca, path, to, token }) =>
        Effect.gen(function* () {
          const { text } = yield* through(path, to, ca, ask("GET", "/", to))
          const body = text.slice(text.indexOf("\r\n\r\n") + 4).replace(/[0-9a-f]+\r\n([^\r]*)\r\n/g, "$1")
          expect(body).toContain(`<${token}${token}s3cr3t/${SECRET.slice(0, -1)}>`)
          const zipped = yield* through(path, to, ca, ask("GET", "/gzip", to))
          expect(zipped.text).toContain(`before ${token} after`)
          expect(zipped.text).not.toMatch(/content-encoding/i)
        }),
      pieces
    )
  })

  live("is put into a body that comes in pieces, and large and binary bodies pass as they are", () =>
    given(
      ({ ca, mine, path, to, token }) =>
        Effect.gen(function* () {
          const parts = [token.slice(0, 20), token.slice(20)].map((one) => `${one.length.toString(16)}\r\n${one}\r\n`)
          const chunked = `${ask("POST", "/", to, ["Transfer-Encoding: chunked"])}${parts.join("")}0\r\n\r\n`
          yield* through(path, to, ca, chunked)
          expect(mine.got()).toContain(`\r\n\r\n${SECRET}`)
          const large = "y".repeat(2 ** 20) + token
          const { text } = yield* through(path, to, ca, ask("POST", "/", to, [], large))
          expect(text).toContain("200 OK")
          expect(mine.got().endsWith(large)).toBe(true)
          const binary = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(token)])
          const head = Buffer.from(`POST / HTTP/1.1\r\nHost: ${to}\r\nContent-Length: ${binary.length}\r\n\r\n`)
          yield* through(path, to, ca, Buffer.concat([head, binary]))
          expect(mine.got().endsWith(binary.toString("latin1"))).toBe(true)
        }),
      (socket, got) => {
        if (whole(got)) socket.end(page("done"))
      }
    )
  )

  live("stays a placeholder towards every other host, and that is told", () =>
    given(({ ca, path, service, to, token }) =>
      Effect.gen(function* () {
        const other = yield* host("other.example", echoing)
        const there = `other.example:${other.port}`
        // Its own certificate: the connection is not looked into.
        const { authorized } = yield* through(path, there, roots, ask("GET", `/${token}`, there, [`X-Token: ${token}`]))
        expect(authorized).toBe(true)
        expect(other.got()).toContain(`GET /${token}`)
        const open = yield* listening((socket) => socket.once("data", (bytes) => socket.end(page(bytes))))
        const said = yield* Effect.promise(() =>
          plainly(path, get(`http://other.example:${open.port}/`, `X-T: ${token}`))
        )
        expect(said).toContain(token)
        expect(yield* told(service)).toMatchObject([
          { _tag: "SecretWithheld", variable: "TOKEN", host: "other.example", port: open.port }
        ])
        expect(to).not.toBe(there)
        expect(ca).not.toBe(roots)
      })
    )
  )

  live("of one host is not put in for another that is marked too", () =>
    given(
      ({ ca, mine, path, service, to, token }) =>
        Effect.gen(function* () {
          const other = token
          const { text } = yield* through(
            path,
            `two.example:${mine.port}`,
            ca,
            ask("GET", `/${other}`, `two.example:${mine.port}`)
          )
          // The one host has a certificate for api.example alone.
          expect(text).toContain("502")
          expect(mine.got()).toBe("")
          expect(yield* told(service)).toEqual([])
          expect(to).toContain("api")
        }),
      echoing,
      (port) => ({ OTHER: { value: "other-secret", egress: [`two.example:${port}`] } })
    )
  )

  live("of another service is a word like any other", () =>
    given(({ ca, mine, path, to, token }) =>
      Effect.gen(function* () {
        const vault = { MINE: { value: "another-secret", egress: [`api.example:${mine.port}`] } }
        const theirs = yield* atHome(2, Effect.succeed(vault), bob)
        yield* through(path, to, ca, ask("GET", `/${token}`, to, [`X-Token: ${theirs.placeholder("MINE")}`]), 2)
        expect(mine.got()).toContain(`GET /${token} HTTP`)
        expect(mine.got()).toContain("X-Token: another-secret")
        expect(mine.got()).not.toContain("s3cr3t")
        // A container that is nobody's home, or no longer, has nothing put in.
        expect(yield* told(theirs.service)).toHaveLength(1)
      })
    )
  )
})

describe("a host that something is marked for", () => {
  for (const by of ["unknown", "expired"] as const)
    live(`whose certificate is ${by} gets nothing at all`, () =>
      given(({ ca, path, service }) =>
        Effect.gen(function* () {
          const wrong = yield* host("api.example", echoing, by)
          const vault = { T: { value: SECRET, egress: [`api.example:${wrong.port}`] } }
          const { placeholder } = yield* atHome(1, Effect.succeed(vault))
          const to = `api.example:${wrong.port}`
          const { text } = yield* through(path, to, ca, ask("GET", `/${placeholder("T")}`, to))
          expect(text).toMatch(/^HTTP\/1.1 502 [\s\S]*certificate/)
          const said = yield* Effect.promise(() =>
            plainly(path, get(`http://api.example:${wrong.port}/`, `X-T: ${placeholder("T")}`))
          )
          expect(said).toMatch(/^HTTP\/1.1 502 [\s\S]*certificate/)
          expect(wrong.got()).toBe("")
          expect(yield* told(service)).toEqual([])
        })
      )
    )

  live("is asked over TLS also where the container writes http://", () =>
    given(({ mine, path, token }) =>
      Effect.gen(function* () {
        const said = yield* Effect.promise(() =>
          plainly(path, get(`http://api.example:${mine.port}/x?${token}`, `X-Token: ${token}`))
        )
        expect(mine.got()).toContain(`GET /x?${encodeURIComponent(SECRET)} HTTP`)
        expect(said).toContain(`X-Echo: ${token}`)
        expect(said).not.toContain("s3cr3t")
      })
    )
  )

  live("has it in clear only where the mark says http://", () =>
    given(
      ({ path, service, token }) =>
        Effect.gen(function* () {
          const open = yield* listening((socket) => socket.once("data", (bytes) => socket.end(page(bytes))))
          const vault = {
            CLEAR: { value: "clear-secret", egress: [`http://api.example:${open.port}`] },
            TOKEN: { value: SECRET, egress: [`api.example:${open.port}`] }
          }
          const { placeholder } = yield* atHome(1, Effect.succeed(vault))
          const said = yield* Effect.promise(() =>
            plainly(path, get(`http://api.example:${open.port}/`, `A: ${placeholder("CLEAR")}`, `B: ${token}`))
          )
          expect(said).toContain(`A: ${placeholder("CLEAR")}`)
          expect(said).toContain(`B: ${token}`)
          expect(yield* told(service)).toMatchObject([
            { _tag: "SecretSubstituted", variable: "CLEAR", mark: `http://api.example:${open.port}` },
            { _tag: "SecretWithheld", variable: "TOKEN" }
          ])
        }),
      echoing
    )
  )

  live("is not another one behind the same door", () =>
    given(({ ca, mine, path, to, token }) =>
      Effect.gen(function* () {
        for (const wrong of ["evil.example", `evil.example:${mine.port}`, "api.example", `${to}, evil.example`]) {
          const { text } = yield* through(path, to, ca, ask("GET", `/${token}`, wrong))
          expect(text, wrong).toMatch(/^HTTP\/1.1 4(21|00)/)
        }
        const { text } = yield* through(path, to, ca, ask("GET", `http://evil.example/${token}`, to))
        expect(text).toMatch(/^HTTP\/1.1 400/)
        expect(mine.got()).toBe("")
      })
    )
  )

  live("changes to another protocol with the value in its request", () =>
    given(
      ({ ca, mine, path, to, token }) =>
        Effect.gen(function* () {
          const head = ["Connection: Upgrade", "Upgrade: websocket", `X-Token: ${token}`]
          const { text } = yield* through(path, to, ca, `${ask("GET", "/", to, head)}first words`)
          expect(text).toContain("101 Switching Protocols")
          expect(text).toMatch(/hello heard first words$/)
          expect(mine.got()).toContain(`X-Token: ${SECRET}`)
          const no = yield* through(path, to, ca, ask("GET", "/no", to, head))
          expect(no.text).toMatch(/^HTTP\/1.1 403 /)
          expect(no.text).toContain(token)
        }),
      (socket, got) => {
        const end = got.indexOf("\r\n\r\n")
        if (end < 0) return
        if (got.startsWith("GET /no")) {
          const body = `no ${SECRET}`
          return void socket.end(`HTTP/1.1 403 No\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
        }
        const words = got.slice(end + 4)
        if (words === "") socket.write("HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello ")
        else socket.end(`heard ${words}`)
      }
    )
  )

  live("is not asked while the vault cannot be opened", () =>
    given(({ ca, mine, path, to, token }) =>
      Effect.gen(function* () {
        yield* atHome(1, new StoreUnavailable({ reason: "the disk is gone" }))
        const { text } = yield* through(path, to, ca, ask("GET", `/${token}`, to))
        expect(text).toMatch(/^HTTP\/1.1 503/)
        const said = yield* Effect.promise(() => plainly(path, get(`http://${to}/`, `X-T: ${token}`)))
        expect(said).toMatch(/^HTTP\/1.1 503/)
        expect(mine.connections()).toBe(0)
      })
    )
  )

  live("takes no more from one container at a time than the server can hold", () =>
    given(({ ca, mine, path, to, token }) =>
      Effect.gen(function* () {
        const pieces = `${ask("POST", "/", to, ["Transfer-Encoding: chunked"])}1\r\nx\r\n`
        const many = Effect.forEach(Array.from({ length: 32 }), () => through(path, to, ca, pieces), {
          concurrency: "unbounded"
        })
        yield* Effect.forkScoped(many)
        const refused = Effect.repeat(through(path, to, ca, ask("POST", "/", to, [], token)), {
          until: ({ text }) => text.startsWith("HTTP/1.1 503")
        })
        expect((yield* Effect.timeout(refused, "8 seconds")).text).toContain("try again shortly")
        // Whoever has nothing to be held is not in need of it.
        yield* through(path, to, ca, ask("GET", `/${token}`, to))
        expect(mine.got()).toContain(`GET /${encodeURIComponent(SECRET)}`)
      })
    )
  )

  live("is a host like any other as soon as nothing is marked for it any more", () =>
    given(({ mine, path, to, token }) =>
      Effect.gen(function* () {
        yield* atHome(1, Effect.succeed({ TOKEN: "plain by now" }))
        const { authorized } = yield* through(path, to, roots, ask("GET", `/${token}`, to))
        expect(authorized).toBe(true)
        expect(mine.got()).toContain(`GET /${token} HTTP`)
      })
    )
  )
})
