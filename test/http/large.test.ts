import { connect } from "node:net"
import { Effect } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Large from "../../src/http/wire/Large.js"
import { credentials, request, type Target } from "../support/client.js"
import { eventually } from "../support/eventually.js"
import { live } from "../support/it.js"
import { caller, inServer } from "./harness.js"

const joined = (written: string | ReadonlyArray<Buffer>): string =>
  typeof written === "string" ? written : Buffer.concat(written).toString()

describe("texts that keys repeat", () => {
  it("stand in the answer as if each had been written there, whatever they and their neighbours are", () => {
    const some = fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.constantFrom('"', '\\"', "€", "\u0000"))
    const long = fc.tuple(some, fc.integer({ min: 1, max: 20_000 })).map(([text, times]) => text.repeat(times))
    const bytes = fc.uint8Array({ maxLength: 60_000 })
    fc.assert(
      fc.property(long, bytes, some, (text, raw, beside) => {
        const plain = (t: string, b: string) => ({ a: t, [beside]: beside, list: [{ b, again: b }, t], n: 1 })
        const large = Large.make()
        const written = large.assemble(plain(large.text(text), large.base64(raw)))
        expect(joined(written)).toBe(JSON.stringify(plain(text, Buffer.from(raw).toString("base64"))))
      }),
      { numRuns: 60 }
    )
  })

  it("are there once, however often they are named", () => {
    const large = Large.make()
    const word = large.base64(Buffer.alloc(300_000, 7))
    const written = large.assemble({ a: word, b: [word, { c: word }] })
    if (typeof written === "string") throw new Error("it was written out")
    const big = written.filter(({ length }) => length > 1_000)
    expect(big).toHaveLength(3)
    expect(new Set(big.map(({ buffer }) => buffer)).size).toBe(1)
  })

  it("cost nothing where they are short", () => {
    const large = Large.make()
    expect(large.assemble({ a: large.text("x"), b: large.base64(Buffer.from("y")) })).toBe('{"a":"x","b":"eQ=="}')
  })
})

const MIB = 1024 * 1024

describe("a large answer", () => {
  const leaves = (text: string) => ({
    language: "python",
    return_artifact: true,
    code: JSON.stringify({ stdout: text, artifacts: [{ filename: "all", text, kind: "file" }] })
  })
  const run = (to: Target, text: string) =>
    Effect.promise(() => request(to, "POST", "/execute", { body: leaves(text) }))

  live("is whole and the same for whoever ran it and whoever asks later", () =>
    inServer(
      Effect.gen(function* () {
        const to = yield* caller()
        const text = 'a "quoted" line €\n'.repeat(20_000)
        const answer = yield* run(to, text)
        expect(answer.headers["content-length"]).toBe(String(Buffer.byteLength(answer.text)))
        expect(answer.json.stdout === text && answer.json.output === text).toBe(true)
        const base64 = Buffer.from(text).toString("base64")
        for (const key of ["content", "content_base64", "data"])
          expect(answer.json, key).toHaveProperty(`artifact.${key}`, base64)
        const path = `/jobs/${String(answer.json.job_id)}`
        const later = yield* Effect.promise(() => request(to, "GET", path))
        expect(later.text === answer.text).toBe(true)
        const head = yield* Effect.promise(() => request(to, "HEAD", path))
        expect([head.status, head.text]).toEqual([200, ""])
      })
    )
  )

  live("waits for its caller's room, is refused when that does not come, and keeps no other caller out", () =>
    inServer(
      Effect.gen(function* () {
        const [to, other] = [yield* caller("one"), yield* caller("other")]
        const text = "x".repeat(2 * MIB)
        const mine = String((yield* run(to, text)).json.job_id)
        const theirs = String((yield* run(other, text)).json.job_id)
        const unread = yield* Effect.acquireRelease(
          Effect.sync(() => paused(to, `/jobs/${mine}`)),
          ({ socket }) => Effect.sync(() => socket.destroy())
        )
        yield* Effect.promise(() => eventually("it began", unread.began))
        const refused = yield* Effect.promise(() => request(to, "GET", `/jobs/${mine}`))
        expect([refused.status, refused.json.error]).toEqual([503, "too_many_answers"])
        expect(refused.headers["retry-after"]).toBe("2")
        const free = yield* Effect.promise(() => request(other, "GET", `/jobs/${theirs}`))
        expect(free.status).toBe(200)
        const small = yield* Effect.promise(() => request(to, "GET", "/jobs"))
        expect(small.status).toBe(200)
        unread.socket.destroy()
        const again = async () => (await request(to, "GET", `/jobs/${mine}`)).status === 200
        yield* Effect.promise(() => eventually("there is room again", again))
      }).pipe(Effect.scoped),
      { answerBytes: 70 * MIB, answerWithin: "400 millis" }
    )
  )
})

/** Asks, reads the first bytes and no more. */
const paused = (to: Target, path: string) => {
  const { hostname, port } = new URL(to.url)
  const socket = connect(Number(port), hostname)
  let began = false
  const head = Object.entries(credentials(to, "GET", path, Buffer.alloc(0))).map(([name, value]) => `${name}: ${value}`)
  socket
    .on("error", () => undefined)
    .once("data", () => {
      began = true
      socket.pause()
    })
  socket.write(`GET ${path} HTTP/1.1\r\nhost: here\r\n${head.join("\r\n")}\r\n\r\n`)
  return { socket, began: () => began }
}
