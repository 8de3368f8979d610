/** Hosts with certificates of the test's own authority, and what a container says to them through the proxy. */
import { generateKeyPairSync } from "node:crypto"
import type { Socket } from "node:net"
import { connect, createServer, type Server, type TLSSocket } from "node:tls"
import { Effect } from "effect"
import { Substitutes } from "../../actors/egress/Substitutes.js"
import { type PublicKey, ServiceId } from "../../events/Ids.js"
import type { Refused } from "../../src/guards/Guard.js"
import type { Variables } from "../../src/guards/VaultVariables.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"
import * as Certificate from "../../src/store/certificates/Certificate.js"
import * as H from "../support/history.js"
import type { Identity } from "./outside.js"
import { ann, client, connectTo } from "./proxied.js"

const DAY = 86_400_000
const validity = { from: Date.now() - DAY, until: Date.now() + 2 * DAY }
const elliptic = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey

const issuer = { name: "the test's authority", key: elliptic() }
/** What the proxy is to believe. */
export const roots = Certificate.authority(issuer, validity)

const stranger = { name: "somebody's authority", key: elliptic() }

export const identity = (host: string, by: "known" | "unknown" | "expired" = "known"): Identity => {
  const key = elliptic()
  const when = by === "expired" ? { from: validity.from - DAY, until: validity.from } : validity
  const cert = Certificate.host(by === "unknown" ? stranger : issuer, host, key, when)
  return { key: key.export({ type: "pkcs8", format: "pem" }).toString(), cert }
}

export interface Host {
  readonly port: number
  /** Everything that ever arrived there, of all connections. */
  readonly got: () => string
  readonly connections: () => number
}

type Handler = (socket: TLSSocket | Socket, got: string) => void

/** At 127.0.0.2; the handler is called with what one connection has sent, as often as that grows. */
export const host = (name: string, handler: Handler, by: "known" | "unknown" | "expired" = "known") =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<{ server: Server; sockets: Set<Socket>; all: Array<string>; count: { n: number } }>((resume) => {
        const sockets = new Set<Socket>()
        const all: Array<string> = []
        const count = { n: 0 }
        const server = createServer({ ...identity(name, by), ALPNProtocols: ["http/1.1"] }, (socket) => {
          let got = ""
          sockets.add(socket)
          socket.on("error", () => {}).once("close", () => sockets.delete(socket))
          socket.on("data", (bytes) => {
            got += bytes.toString("latin1")
            all.push(bytes.toString("latin1"))
            handler(socket, got)
          })
        })
        server.on("connection", () => {
          count.n += 1
        })
        server.listen(0, "127.0.0.2", () => resume(Effect.succeed({ server, sockets, all, count })))
      }),
      ({ server, sockets }) =>
        Effect.async<void>((resume) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    ),
    ({ all, count, server }): Host => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      return { port, got: () => all.join(""), connections: () => count.n }
    }
  )

/** A whole request has come: its head, and as much body as it says. */
export const whole = (got: string): boolean => {
  const end = got.indexOf("\r\n\r\n")
  if (end < 0) return false
  const length = /^content-length: (\d+)/im.exec(got.slice(0, end))?.[1]
  if (length !== undefined) return got.length >= end + 4 + Number(length)
  return !/^transfer-encoding:/im.test(got.slice(0, end)) || got.endsWith("0\r\n\r\n")
}

export const page = (body: string | Buffer, ...headers: ReadonlyArray<string>) =>
  Buffer.concat([
    Buffer.from([`HTTP/1.1 200 OK`, `Content-Length: ${body.length}`, ...headers, "", ""].join("\r\n")),
    Buffer.from(body)
  ])

/** Says back what it was asked. */
export const echoing: Handler = (socket, got) => {
  if (whole(got)) socket.end(page(got, `X-Echo: ${/^x-token: (.*)$/im.exec(got)?.[1]?.trim() ?? ""}`))
}

/** A service at home in container `n`, whose vault opens with that: its placeholders by name. */
export const atHome = (
  n: number,
  vault: Effect.Effect<Variables, Refused | StoreUnavailable>,
  owner: PublicKey = ann
) =>
  Effect.gen(function* () {
    const substitutes = yield* Substitutes
    const container = H.containerId(n)
    const service = ServiceId.make(`unsb-service-${n.toString(16).padStart(16, "0")}`)
    yield* substitutes.inhabit({ container, service, owner }, vault)
    return { service, placeholder: (name: string) => substitutes.placeholder(container, name) }
  })

export interface Inner {
  readonly text: string
  readonly authorized: boolean
}

/** CONNECT, TLS with what the container believes, and one request inside. Fails with what the proxy said instead. */
export const through = (path: string, to: string, ca: string, request: string | Buffer, n = 1) =>
  Effect.promise(async (): Promise<Inner> => {
    const one = client(path, n)
    one.socket.write(connectTo(to))
    const said = await one.until(/\r\n\r\n/)
    if (!said.startsWith("HTTP/1.1 200")) {
      const text = await one.closed
      return { text, authorized: false }
    }
    one.socket.removeAllListeners("data").removeAllListeners("end")
    const over = connect({ socket: one.socket, ca, servername: to.replace(/:\d+$/, ""), ALPNProtocols: ["http/1.1"] })
    return new Promise((resolve) => {
      let text = ""
      over.on("error", (error) => resolve({ text: `error ${error.message}`, authorized: false }))
      over.once("secureConnect", () => over.write(request))
      over.on("data", (bytes) => {
        text += bytes.toString("latin1")
      })
      over.once("end", () => over.end())
      over.once("close", () => resolve({ text, authorized: over.authorized }))
    })
  })

export const ask = (method: string, path: string, to: string, headers: ReadonlyArray<string> = [], body = "") => {
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  return `${[`${method} ${path} HTTP/1.1`, `Host: ${to}`, ...headers, ...length, "", ""].join("\r\n")}${body}`
}
