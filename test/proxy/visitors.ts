/** Visitors and services for the proxy's tests: real sockets, real servers, and destinations as the test says. */
import { createServer, type IncomingMessage, request, type Server } from "node:http"
import { connect, type Server as NetServer, type Socket } from "node:net"
import { Effect, Layer, type Scope } from "effect"
import { ServiceId } from "../../events/Ids.js"
import {
  type Destination,
  Destinations,
  type Dial,
  type PublicPort,
  Unreachable
} from "../../src/proxy/Destinations.js"
import * as Proxy from "../../src/proxy/Proxy.js"

export const service = ServiceId.make("unsb-service-0123456789abcdef")

export const portOf = (server: NetServer): number => {
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("not listening")
  return address.port
}

/** Listens on a free port until the scope ends. */
export const listening = <S extends NetServer>(server: S): Effect.Effect<S, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<S>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    () =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        if ("closeAllConnections" in server && typeof server.closeAllConnections === "function")
          server.closeAllConnections()
      })
  )

export const inside = (handler: (request: IncomingMessage, body: string) => string) =>
  Effect.map(
    listening(
      createServer((one, response) => {
        let body = ""
        one.setEncoding("utf8").on("data", (text: string) => {
          body += text
        })
        one.on("end", () => response.end(handler(one, body)))
      })
    ),
    (server: Server) => portOf(server)
  )

export const wakeful = () => () => undefined

/** Ends the visits that its `asleep` was given to, and those that come later. */
export class Sleeper {
  /** Who waits to be told. */
  readonly told = new Set<() => void>()
  private sleeps = false

  readonly asleep = (tell: () => void) => {
    if (this.sleeps) tell()
    else this.told.add(tell)
    return () => void this.told.delete(tell)
  }

  sleep(): void {
    this.sleeps = true
    for (const tell of [...this.told]) tell()
  }
}

/** As the driver does it, to a port of this host. */
export const dialing = (port: number): Dial =>
  Effect.acquireRelease(
    Effect.async<Socket, Unreachable>((resume) => {
      const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true })
      socket.once("connect", () => resume(Effect.succeed(socket)))
      socket.once("error", ({ message }) => resume(new Unreachable({ reason: message })))
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

export const proxyTo = (
  byHost: (host: string) => Effect.Effect<Destination>,
  ports: { readonly now: ReadonlyArray<PublicPort> } = { now: [] },
  byService: Effect.Effect<Destination> = byHost("")
) =>
  Proxy.start({ host: "127.0.0.1", ports: [0] }).pipe(
    Effect.tap(({ run }) => Effect.forkScoped(run)),
    Effect.map(({ port }) => port),
    Effect.provide(
      Layer.succeed(Destinations, { byHost, byService: () => byService, publicPorts: Effect.sync(() => ports.now) })
    )
  )

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

export interface Visit {
  readonly host?: string
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export const visit = (port: number, { body, headers = {}, host = "web.on.test", method = "GET", path = "/" }: Visit) =>
  Effect.async<Answer, Error>((resume) => {
    const one = request({ host: "127.0.0.1", port, path, method, agent: false, headers: { host, ...headers } })
    one.on("response", (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (more: string) => {
        text += more
      })
      response.on("error", (error) => resume(Effect.fail(error)))
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
      )
    })
    one.on("error", (error) => resume(Effect.fail(error)))
    one.end(body)
  })
