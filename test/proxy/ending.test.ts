/** Visits that end otherwise than by an answer: nothing of them is left, and they count for nobody. */
import { createServer, type RequestListener } from "node:http"
import { connect, type Socket } from "node:net"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { describe, expect } from "vitest"
import * as Counted from "../../src/proxy/Counted.js"
import { Destination } from "../../src/proxy/Destinations.js"
import { eventually } from "../support/eventually.js"
import { live } from "../support/it.js"
import { dialing, listening, portOf, proxyTo, service, visit, wakeful } from "./visitors.js"

/** A service, and what is seen of the proxy there. */
const serving = (answer: RequestListener) =>
  Effect.gen(function* () {
    const seen = { asked: 0, open: 0 }
    const server = yield* listening(
      createServer((request, response) => {
        seen.asked += 1
        answer(request, response)
      })
    )
    server.on("connection", (socket) => {
      seen.open += 1
      socket.on("close", () => {
        seen.open -= 1
      })
    })
    const ready = { name: "web", service, line: "one:80", dial: dialing(portOf(server)), asleep: wakeful }
    return { seen, server, destination: Effect.succeed(Destination.Ready(ready)) }
  })

const silent: RequestListener = ({ url }, response) => {
  if (url !== "/hang") response.end("hi")
}

const hanging = "GET /hang HTTP/1.1\r\nHost: web.on.test\r\n\r\n"

const visitor = (port: number, says: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = connect({ host: "127.0.0.1", port }).on("error", () => undefined)
      socket.write(says)
      return socket
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

const becomes = (what: string, seen: () => boolean) => Effect.promise(() => eventually(what, seen))

describe("a visitor who leaves", () => {
  live("takes along what was asked for behind another request on the same connection", () =>
    Effect.gen(function* () {
      const { destination, seen } = yield* serving(silent)
      const port = yield* proxyTo(() => destination)
      const socket = yield* visitor(port, hanging.repeat(20))
      yield* becomes("all are asked", () => seen.asked === 20)
      socket.destroy()
      yield* becomes("nothing is left of them", () => seen.open === 0)
    })
  )

  live("makes room for the next one, when there are as many as may be", () =>
    Effect.gen(function* () {
      const { destination, seen } = yield* serving(silent)
      const port = yield* proxyTo(() => destination)
      const crowd: Array<Socket> = []
      for (let nth = 0; nth < 8; nth += 1) crowd.push(yield* visitor(port, hanging.repeat(124)))
      yield* becomes("all are asked", () => seen.asked === 992)
      const refused = yield* visit(port, { headers: { accept: "application/json" } })
      expect(refused.status).toBe(503)
      expect(JSON.parse(refused.body).error).toBe("too_many_requests_in_flight")
      for (const socket of crowd) socket.destroy()
      yield* becomes("nothing is left of them", () => seen.open === 0)
      const again = yield* visitor(port, hanging.repeat(992))
      yield* becomes("as many are let in as before", () => seen.asked === 2 * 992)
      again.destroy()
      yield* becomes("nothing is left of those", () => seen.open === 0)
      expect((yield* visit(port, {})).body).toBe("hi")
    })
  )
})

describe("a proxy that ends", () => {
  /** As when the server stops: whatever the visitor does. */
  const ended = (
    byHost: Effect.Effect<Destination>,
    says: string,
    underWay: Effect.Effect<void>,
    body: Effect.Effect<void> = Effect.void
  ) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const port = yield* Scope.extend(
        proxyTo(() => byHost),
        scope
      )
      const socket = yield* visitor(port, says)
      const gone = new Promise((resolve) => socket.on("close", resolve).resume())
      yield* underWay
      yield* body
      yield* Scope.close(scope, Exit.void)
      yield* Effect.promise(() => gone)
    })

  live("ends requests that have no answer yet, and the lines that it kept", () =>
    Effect.gen(function* () {
      const { destination, seen } = yield* serving(silent)
      const both = hanging.replace("/hang", "/").concat(hanging)
      yield* ended(
        destination,
        both,
        becomes("it is asked", () => seen.asked === 2)
      )
      yield* becomes("nothing is left of them", () => seen.open === 0)
    })
  )

  live("waits for no service that is being dialled, or woken", () =>
    Effect.gen(function* () {
      for (const method of ["GET", "POST"]) {
        const begun = yield* Deferred.make<void>()
        const never = Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never)
        const dialled = Destination.Ready({ name: "web", service, line: "one:80", dial: never, asleep: wakeful })
        const says = hanging.replace("GET", method)
        yield* ended(Effect.succeed(dialled), says, Deferred.await(begun))
        const woken = yield* Deferred.make<void>()
        yield* ended(Effect.zipRight(Deferred.succeed(woken, undefined), Effect.never), says, Deferred.await(woken))
      }
    })
  )

  live("ends connections that were upgraded", () =>
    Effect.gen(function* () {
      const { destination, seen, server } = yield* serving(silent)
      let upgraded = 0
      server.on("upgrade", (_, socket) => {
        upgraded += 1
        socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        socket.on("error", () => undefined).pipe(socket)
      })
      const says = "GET / HTTP/1.1\r\nHost: web.on.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
      yield* ended(
        destination,
        says,
        becomes("it is upgraded", () => upgraded === 1)
      )
      yield* becomes("nothing is left of it", () => seen.open === 0)
    })
  )
})

describe("the count of a service's visits", () => {
  const counts = (most: number) => {
    const counted = Counted.make(most)
    return (visit: Effect.Effect<string, string>) => counted(service, visit, Effect.succeed("crowded"))
  }

  live("is of those under way, however they end", () =>
    Effect.gen(function* () {
      const counted = counts(1)
      const full = Effect.gen(function* () {
        const fiber = yield* Effect.fork(counted(Effect.never))
        yield* Effect.yieldNow()
        expect(yield* counted(Effect.succeed("let in"))).toBe("crowded")
        yield* Fiber.interrupt(fiber)
      })
      for (const visit of [Effect.succeed(""), Effect.fail("no"), Effect.die("bug"), Effect.interrupt]) {
        yield* Effect.exit(counted(visit))
        yield* full
      }
      expect(yield* counted(Effect.succeed("let in"))).toBe("let in")
    })
  )

  live("is exact for those who are interrupted before they begin", () =>
    Effect.gen(function* () {
      const counted = counts(1)
      for (let nth = 0; nth < 100; nth += 1) {
        const fiber = yield* Effect.fork(counted(Effect.never))
        if (nth % 2 === 0) yield* Effect.yieldNow()
        yield* Fiber.interrupt(fiber)
      }
      expect(yield* counted(Effect.succeed("let in"))).toBe("let in")
    })
  )
})
