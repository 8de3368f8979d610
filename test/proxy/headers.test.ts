/** What of a request's and of an answer's headers is each side's own affair. */
import { createServer, type IncomingMessage } from "node:http"
import { connect } from "node:net"
import { Effect } from "effect"
import { describe, expect } from "vitest"
import { Destination } from "../../src/proxy/Destinations.js"
import { live } from "../support/it.js"
import { dialing, listening, portOf, proxyTo, service, wakeful } from "./visitors.js"

/** All that comes back until the line is closed; the last request asks for that. */
const said = (port: number, says: string) =>
  Effect.async<string>((resume) => {
    let text = ""
    const socket = connect({ host: "127.0.0.1", port })
    socket.setEncoding("latin1").on("data", (more: string) => {
      text += more
    })
    socket.on("error", () => undefined).on("close", () => resume(Effect.succeed(text)))
    socket.write(says)
    return Effect.sync(() => socket.destroy())
  })

const web = (wish: string | undefined) =>
  Effect.gen(function* () {
    const asked: Array<IncomingMessage["headers"]> = []
    const server = yield* listening(
      createServer((request, response) => {
        asked.push(request.headers)
        if (wish !== undefined) response.setHeader("Connection", wish)
        response.end("hi")
      })
    )
    const [name, line, dial] = ["web", "one:80", dialing(portOf(server))]
    const port = yield* proxyTo(() => Effect.succeed(Destination.Ready({ name, service, line, dial, asleep: wakeful })))
    return { asked, port }
  })

const connections = (text: string) => [...text.matchAll(/^connection: (.*)\r$/gim)].map(([, wish]) => wish)
const get = (host: string, more = "") => `GET / HTTP/1.1\r\n${host}\r\n${more}\r\n`

describe("how long a connection lasts", () => {
  live("is not passed on, from either side to the other", () =>
    Effect.gen(function* () {
      for (const wish of [undefined, "close", "keep-alive"]) {
        const { asked, port } = yield* web(wish)
        const [none, kept] = [get("Host: web.on.test"), get("Host: web.on.test", "Connection: Keep-Alive\r\n")]
        const text = yield* said(port, `${none}${kept}${get("Host: web.on.test", "Connection: close\r\n")}`)
        expect([wish, ...connections(text)]).toEqual([wish, "keep-alive", "Keep-Alive", "close"])
        expect(asked.map(({ connection }) => connection)).toEqual(["keep-alive", "keep-alive", "keep-alive"])
      }
    })
  )
})

describe("the name of a host", () => {
  live("is said once, in any writing", () =>
    Effect.gen(function* () {
      const { asked, port } = yield* web(undefined)
      const status = (hosts: string) =>
        Effect.map(said(port, get(hosts, "Connection: close\r\n")), (text) => text.slice(9, 12))
      for (const host of [
        "Host: web.on.test",
        "hOsT: web.on.test",
        "HOST:  web.on.test ",
        "Hosts: x\r\nhost: web.on.test"
      ])
        expect([host, yield* status(host)]).toEqual([host, "200"])
      const seen = asked.length
      for (const host of [
        "Host: web.on.test\r\nHost: web.on.test",
        "Host: web.on.test\r\nhOST: other.on.test",
        "Host:",
        "Hosts: web.on.test"
      ])
        expect([host, yield* status(host)]).toEqual([host, "400"])
      expect(asked.length).toBe(seen)
    })
  )
})
