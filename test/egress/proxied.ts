/** The real proxy on a real UNIX socket over a real log, and what a container would say to it. */
import { connect, createServer, type Server, type Socket } from "node:net"
import { join } from "node:path"
import { Effect, Either, Layer, type Scope } from "effect"
import * as RefusalRecorder from "../../actors/decision/RefusalRecorder.js"
import * as EgressPoliciesLive from "../../actors/egress/EgressPoliciesLive.js"
import * as SubstitutesLive from "../../actors/egress/SubstitutesLive.js"
import * as Decision from "../../events/Decision.js"
import { stream } from "../../events/Envelope.js"
import * as EgressProxy from "../../src/egress/EgressProxy.js"
import { EventLog } from "../../src/log/EventLog.js"
import * as Projections from "../../src/projections/Projections.js"
import * as Authority from "../../src/store/certificates/Authority.js"
import * as TrustAnchors from "../../src/store/certificates/TrustAnchors.js"
import { keyCreated } from "../support/births.js"
import * as H from "../support/history.js"
import { directory, storageIn } from "../support/storage.js"

export const ann = H.owner("ann-0001")
export const bob = H.owner("bob-0001")

const on = (data: string) => {
  const { layer, projectors } = Projections.make()
  const stored = Layer.provideMerge(layer, storageIn(data, projectors))
  const lists = EgressPoliciesLive.layer({ closedPorts: [25] })
  const actors = Layer.mergeAll(lists, RefusalRecorder.layer, SubstitutesLive.layer, Authority.layer)
  return Layer.provideMerge(actors, stored)
}

/** A container of that number, claimed for a job of the owner's. */
export const claim = (n: number, owner: typeof ann, pool: "semitrusted" | "zerotrust" = "semitrusted") =>
  Effect.gen(function* () {
    const log = yield* EventLog
    yield* log.append(H.ofJob(n, 0, H.accepted(n, owner)))
    const sealed = H.sealed(n)
    if (sealed._tag !== "ContainerSealed") return yield* Effect.dieMessage("not a seal")
    yield* log.append(H.ofContainer(n, 0, { ...sealed, pool }, H.claimed(n, owner)))
  })

export type Proxied = Layer.Layer.Success<ReturnType<typeof on>>

type Options = Partial<EgressProxy.Options>

/** Runs the body beside a proxy, with keys `ann` and `bob` known and containers 1 and 2 theirs. */
export const proxied = <A, E>(options: Options, body: (path: string) => Effect.Effect<A, E, Proxied | Scope.Scope>) =>
  Effect.flatMap(directory, (data) =>
    Effect.gen(function* () {
      const path = join(data, "egress.sock")
      const log = yield* EventLog
      for (const key of [ann, bob]) yield* log.append(H.ofKey(key, 0, keyCreated(key)))
      yield* claim(1, ann)
      yield* claim(2, bob)
      const recorder = yield* RefusalRecorder.RefusalRecorder
      yield* Effect.forkScoped(recorder.run)
      const proxy = yield* EgressProxy.make({
        ...{ path, closedPorts: [25], resolvers: [], roots: TrustAnchors.system },
        ...options
      })
      yield* Effect.forkScoped(proxy.run)
      return yield* body(path)
    }).pipe(Effect.scoped, Effect.provide(on(data)))
  )

/** What D25 refused, once that many are told. */
export const refusals = (count: number) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const read = Effect.map(log.read(stream("decision", "D25")), (rows) =>
      rows.map(({ data, schema, type }) => Either.getOrThrow(Decision.read(type, schema, data)))
    )
    return yield* Effect.repeat(Effect.delay(read, "50 millis"), { until: (found) => found.length >= count })
  }).pipe(Effect.timeout("5 seconds"))

const open = (path: string, container: number, preface: string | undefined): Socket => {
  const socket = connect({ path, allowHalfOpen: true })
  socket.on("error", () => {})
  socket.write(preface ?? `container ${H.containerId(container)} -\n`)
  return socket
}

export interface Client {
  readonly socket: Socket
  /** Everything received so far. */
  readonly text: () => string
  readonly until: (pattern: RegExp, withinMillis?: number) => Promise<string>
  readonly closed: Promise<string>
}

/** One connection of a container, as the membrane makes it. */
export const client = (path: string, container = 1, preface?: string): Client => {
  const socket = open(path, container, preface)
  let text = ""
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1")
  })
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(text)))
  socket.once("end", () => socket.end())
  const until = (pattern: RegExp, withinMillis = 8_000) =>
    new Promise<string>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`not within ${withinMillis} ms: ${pattern}; got ${text}`)),
        withinMillis
      )
      const look = () => {
        if (!pattern.test(text)) return
        clearTimeout(late)
        socket.off("data", look).off("close", look)
        resolve(text)
      }
      socket.on("data", look).on("close", look)
      look()
    })
  return { socket, text: () => text, until, closed }
}

/** Asks once and resolves with everything that came back. */
export const ask = (path: string, request: string, container = 1): Promise<string> => {
  const one = client(path, container)
  one.socket.write(request)
  return one.closed
}

export const connectTo = (authority: string) => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`
export const get = (url: string, ...headers: ReadonlyArray<string>) =>
  `GET ${url} HTTP/1.1\r\nHost: whatever\r\n${headers.map((header) => `${header}\r\n`).join("")}\r\n`

/** A TCP server for the test; connections are the handler's. */
export const listening = (handler: (socket: Socket) => void, host = "127.0.0.2") =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<{ readonly server: Server; readonly sockets: Set<Socket> }>((resume) => {
        const sockets = new Set<Socket>()
        const server = createServer({ allowHalfOpen: true }, (socket) => {
          sockets.add(socket)
          socket.on("error", () => {}).once("close", () => sockets.delete(socket))
          handler(socket)
        })
        server.listen(0, host, () => resume(Effect.succeed({ server, sockets })))
      }),
      ({ server, sockets }) =>
        Effect.async<void>((resume) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    ),
    ({ server, sockets }) => {
      const address = server.address()
      return { host, port: typeof address === "object" && address !== null ? address.port : 0, sockets }
    }
  )
