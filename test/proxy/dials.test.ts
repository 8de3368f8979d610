/** As many visitors as there may be, and lines on to their services: one more is let go, or waits for its turn. */
import { createServer, type ServerResponse } from "node:http"
import { connect, createServer as createTcp } from "node:net"
import { Effect, Layer } from "effect"
import { expect } from "vitest"
import { Destination, Destinations, type PublicPort } from "../../src/proxy/Destinations.js"
import * as Proxy from "../../src/proxy/Proxy.js"
import { eventually } from "../support/eventually.js"
import { live } from "../support/it.js"
import { dialing, listening, portOf, service, visit, wakeful } from "./visitors.js"

const MOST = { maxConnections: 3, publicConnections: 2 } as const

const proxyTo = (inside: number, publicPorts: ReadonlyArray<PublicPort> = []) => {
  const ready = Destination.Ready({ name: "web", service, line: "one:80", dial: dialing(inside), asleep: wakeful })
  const to = Effect.succeed(ready)
  const destinations = { byHost: () => to, byService: () => to, publicPorts: Effect.succeed(publicPorts) }
  return Proxy.start({ host: "127.0.0.1", ports: [0], ...MOST }).pipe(
    Effect.tap(({ run }) => Effect.forkScoped(run)),
    Effect.map(({ port }) => port),
    Effect.provide(Layer.succeed(Destinations, destinations))
  )
}

const becomes = (what: string, seen: () => boolean) => Effect.promise(() => eventually(what, seen))

/** Nobody else can listen there. */
const taken = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createTcp().once("error", () => resolve(true))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(false)))
  })

/** Says something and stays, until the scope ends. */
const comer = (port: number, says = "") =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = connect({ host: "127.0.0.1", port }).on("error", () => undefined)
      if (says !== "") socket.write(says)
      return socket.resume()
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

/** For each a line of its own, which ends with the answer. */
const asking = "POST / HTTP/1.1\r\nHost: web.on.test\r\nContent-Length: 0\r\n\r\n"

live("who asks for much at once has no more lines than all may, and the rest is asked when those have ended", () =>
  Effect.gen(function* () {
    const waiting: Array<ServerResponse> = []
    const seen = { lines: 0, most: 0, asked: 0 }
    const inside = yield* listening(
      createServer((_, response) => {
        seen.asked += 1
        waiting.push(response)
      })
    )
    inside.on("connection", (socket) => {
      seen.lines += 1
      seen.most = Math.max(seen.most, seen.lines)
      socket.on("close", () => {
        seen.lines -= 1
      })
    })
    yield* comer(yield* proxyTo(portOf(inside)), asking.repeat(8))
    yield* becomes("as many as may be are asked", () => seen.asked === 5)
    for (const response of waiting.splice(0)) response.end("served")
    yield* becomes("the others are asked", () => seen.asked === 8)
    expect(seen.most).toBe(5)
    for (const response of waiting) response.end("served")
    yield* becomes("nothing is left", () => seen.lines === 0)
  })
)

live("visitors beyond the most are closed at once, and there is room when they go", () =>
  Effect.gen(function* () {
    const inside = yield* listening(createServer((_, response) => response.end("hi")))
    const port = yield* proxyTo(portOf(inside))
    const comers = yield* Effect.forEach([1, 2, 3, 4], () => comer(port))
    const left = () => comers.filter(({ destroyed }) => !destroyed)
    yield* becomes("one of them is closed", () => left().length === 3)
    yield* Effect.promise(async () =>
      expect(await Effect.runPromise(Effect.flip(visit(port, {})))).toBeInstanceOf(Error)
    )
    for (const one of comers) one.destroy()
    yield* Effect.promise(() =>
      eventually(
        "one more is served",
        async () => (await Effect.runPromise(Effect.option(visit(port, {}))))._tag === "Some"
      )
    )
  })
)

live("one public port does not take all that there may be of all, and two not more", () =>
  Effect.gen(function* () {
    const inside = yield* listening(createTcp((socket) => socket.pipe(socket)))
    const free = () => Effect.scoped(Effect.map(listening(createTcp()), portOf))
    const [one, other] = [yield* free(), yield* free()]
    yield* proxyTo(portOf(inside), [
      { port: one, service },
      { port: other, service }
    ])
    const open = (port: number) =>
      Effect.gen(function* () {
        const comers = yield* Effect.forEach([1, 2, 3], () => comer(port, "hello"))
        yield* becomes("all but one are closed", () => comers.filter(({ destroyed }) => destroyed).length === 2)
        const stays = comers.find(({ destroyed }) => !destroyed)
        yield* becomes("it is answered", () => (stays?.bytesRead ?? 0) > 0)
      })
    for (const port of [one, other]) {
      yield* Effect.promise(() => eventually("it is listened on", () => taken(port)))
      yield* open(port)
    }
  })
)
