/** Verifies: whatever a server answers, the egress proxy lives on and says only what is HTTP. */
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { EgressPolicies } from "../../actors/egress/EgressPolicies.js"
import { Authority } from "../../src/store/certificates/Authority.js"
import { isClean, sayable, unsayable } from "../strangers/answers.js"
import { live } from "../support/it.js"
import { nameserver } from "./nameserver.js"
import { ask, get, listening, proxied } from "./proxied.js"
import { atHome, host, ask as inside, roots, through, whole } from "./secured.js"

const open = Effect.flatMap(EgressPolicies, (policies) =>
  policies.change({ key: null, verb: "allow", rules: ["127.0.0.2"] }, "operator")
)

/** The path is the place of the answer. */
const chosen = (from: ReadonlyArray<string>, got: string): Buffer =>
  Buffer.from(from[Number(/^\w+ \/(\d+) /.exec(got)?.[1])] ?? "", "latin1")

const all = [...unsayable, ...sayable.map(([answer]) => answer)]

const server = listening((socket) => {
  socket.once("data", (bytes) => socket.end(chosen(all, bytes.toString("latin1"))))
})

describe("a plain request", () => {
  live("has what a server answers as far as it can be passed on, else a 502", () =>
    proxied({}, (path) =>
      Effect.gen(function* () {
        const { port } = yield* server
        yield* open
        for (const [at, answer] of all.entries()) {
          const line = sayable[at - unsayable.length]?.[1] ?? "HTTP/1.1 502 Bad Gateway\r\n"
          for (const asked of [
            get(`http://127.0.0.2:${port}/${at}`),
            get(`http://127.0.0.2:${port}/${at}`, "Trailer: a")
          ]) {
            const text = yield* Effect.promise(() => ask(path, asked))
            expect([answer, text.slice(0, line.length), isClean(text)]).toEqual([answer, line, true])
          }
        }
      })
    )
  )
})

const switching = "HTTP/1.1 101 X\x01\r\nConnection: Upgrade\r\nUpgrade: other\r\nA: \xe9\x80\r\n\r\nhello"
const upgrade = ["Connection: Upgrade", "Upgrade: other"]

describe("a request with a value in it", () => {
  live("has what a host answers as far as it can be passed on, else a 502", () =>
    Effect.gen(function* () {
      const dns = yield* nameserver(() => ["127.0.0.2"])
      const answers = [...all, switching]
      const { port } = yield* host("api.example", (socket, got) => {
        if (whole(got)) socket.end(chosen(answers, got))
      })
      const to = `api.example:${port}`
      yield* proxied({ resolvers: [dns.address], roots: () => roots }, (path) =>
        Effect.gen(function* () {
          yield* open
          yield* atHome(1, Effect.succeed({ TOKEN: { value: "s3cr3t-value", egress: [to] } }))
          const ca = yield* (yield* Authority).certificate
          const said = (at: number, ...headers: ReadonlyArray<string>) =>
            Effect.map(through(path, to, ca, inside("GET", `/${at}`, to, headers)), ({ text }) => text)
          for (const [at, answer] of all.entries()) {
            const line = sayable[at - unsayable.length]?.[1].slice(0, 12) ?? "HTTP/1.1 502"
            for (const headers of [[], upgrade]) {
              if (headers.length > 0 && answer.includes("Upgrade: other")) continue
              const text = yield* said(at, ...headers)
              expect([answer, text.slice(0, 12), isClean(text)]).toEqual([answer, line, true])
            }
          }
          const text = yield* said(all.length, ...upgrade)
          expect(text).toContain("\r\nA: \xe9\x80\r\n")
          expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*\r\n\r\nhello$/)
        })
      )
    })
  )
})
