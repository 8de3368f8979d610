/** The certificate in force follows its files, and what is not good leaves the one before. */
import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:https"
import { connect } from "node:net"
import { connect as secureConnect } from "node:tls"
import { Duration, Effect, Logger } from "effect"
import { expect } from "vitest"
import * as Handshakes from "../../src/tls/Handshakes.js"
import * as Secure from "../../src/tls/Secure.js"
import { portOf } from "../proxy/visitors.js"
import { type Pair, pairIn, renew } from "../support/certificates.js"
import { eventually } from "../support/eventually.js"
import { live } from "../support/it.js"
import { directory } from "../support/storage.js"

/** Whose certificate is presented there. */
const presented = (port: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = secureConnect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on("error", reject)
  })

const serving = (pair: Pair) =>
  Effect.gen(function* () {
    const secure = yield* Secure.make(pair, "20 millis")
    const server = createServer(secure.options(), (_, response) => response.end())
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    yield* secure.follow(server)
    yield* Effect.forkScoped(secure.keep)
    return portOf(server)
  })

const heard = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => lines.push(String(message)))
  return { lines, layer: Logger.replace(Logger.defaultLogger, logger) }
}

live("takes up a renewed pair", () =>
  Effect.gen(function* () {
    const data = yield* directory
    const [old, fresh] = [pairIn(data, "old"), pairIn(data, "fresh")]
    const port = yield* serving(old)
    expect(yield* Effect.promise(() => presented(port))).toBe("old")
    renew(old, fresh)
    yield* Effect.promise(() => eventually("the new one", async () => (await presented(port)) === "fresh"))
  })
)

live("keeps the one before when the new pair is not good, says so once, and takes the next that is", () => {
  const { layer, lines } = heard()
  return Effect.gen(function* () {
    const data = yield* directory
    const [old, fresh] = [pairIn(data, "old"), pairIn(data, "fresh")]
    const port = yield* serving(old)
    // Half-way through a renewal, and what a full disk makes of it.
    writeFileSync(old.cert, readFileSync(fresh.cert).subarray(0, 100))
    yield* Effect.promise(() => eventually("it is told", () => lines.some((line) => line.includes("stays in force"))))
    yield* Effect.sleep("200 millis")
    expect(yield* Effect.promise(() => presented(port))).toBe("old")
    expect(lines.filter((line) => line.includes("stays in force"))).toHaveLength(1)
    renew(old, fresh)
    yield* Effect.promise(() => eventually("the next", async () => (await presented(port)) === "fresh"))
  }).pipe(Effect.provide(layer))
})

live("knows of hands that are being shaken, and keeps none when it goes", () =>
  Effect.gen(function* () {
    const data = yield* directory
    const pair = pairIn(data, "pair")
    const secure = yield* Secure.make(pair)
    const server = createServer(secure.options(), (_, response) => response.end())
    const handshakes = Handshakes.of(server)
    yield* Effect.async<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    })
    const stalled = connect(portOf(server), "127.0.0.1").on("error", () => undefined)
    const failed = connect(portOf(server), "127.0.0.1").on("error", () => undefined)
    yield* Effect.promise(() => eventually("both are known", () => handshakes.underWay() === 2))
    failed.write("GET / HTTP/1.1\r\n\r\n")
    yield* Effect.promise(() => presented(portOf(server)))
    yield* Effect.promise(() => eventually("one is", () => handshakes.underWay() === 1))
    handshakes.end()
    const [took] = yield* Effect.timed(
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
      })
    )
    expect(Duration.toMillis(took)).toBeLessThan(2_000)
    yield* Effect.promise(() => eventually("none is", () => handshakes.underWay() === 0))
    stalled.destroy()
  })
)
