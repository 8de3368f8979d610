/** Requests sent before earlier ones were answered: as many as a line may have, and none outlives it. */
import { connect } from "node:net"
import { Effect } from "effect"
import { expect } from "vitest"
import * as Listener from "../../src/http/wire/Listener.js"
import { eventually } from "../support/eventually.js"
import { live } from "../support/it.js"

const options = { host: "127.0.0.1", port: 0, maxConnections: 10, stopWithin: "1 second" } as const
const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`

/** Answers everything but /never at once, and counts. */
const counting = Effect.gen(function* () {
  const counts = { begun: 0, closed: 0 }
  const { address } = yield* Listener.start((request, response) => {
    counts.begun += 1
    response.once("close", () => {
      counts.closed += 1
    })
    if (request.url !== "/never") response.end("here")
  }, options)
  const line = (text: string) => {
    const socket = connect(address.port, "127.0.0.1").on("error", () => undefined)
    socket.write(text)
    return socket
  }
  return { counts, line }
})

live("an answer whose turn never comes is let go of with its line", () =>
  Effect.gen(function* () {
    const { counts, line } = yield* counting
    const socket = line(ask("/never") + ask("/").repeat(50))
    yield* Effect.promise(() => eventually("they are under way", () => counts.begun === 51))
    expect(counts.closed).toBe(0)
    socket.destroy()
    yield* Effect.promise(() => eventually("all are closed", () => counts.closed === 51))
  })
)

live("more than 64 at once end the line, and what was in the same piece is not begun", () =>
  Effect.gen(function* () {
    const { counts, line } = yield* counting
    const socket = line(ask("/never") + ask("/").repeat(1_000)).resume()
    yield* Effect.async<void>((resume) => {
      socket.on("close", () => resume(Effect.void))
    })
    yield* Effect.promise(() => eventually("all are closed", () => counts.closed === counts.begun))
    expect(counts.begun).toBe(64)
  })
)

live("one after the other may be as many as they like", () =>
  Effect.gen(function* () {
    const { line } = yield* counting
    let said = ""
    const socket = line("")
    socket.on("data", (chunk) => {
      said += String(chunk)
      if (said.split("here").length <= 300) socket.write(ask("/"))
      else socket.destroy()
    })
    socket.write(ask("/"))
    yield* Effect.promise(() => eventually("three hundred answers", () => said.split("here").length > 300))
  })
)
