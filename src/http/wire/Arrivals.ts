/** Bodies on their way in: each has to be there in time, but for those that a handler waits for as long as they keep coming. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { Context, Duration, Effect, Layer, type Scope } from "effect"
import * as Malformed from "./Malformed.js"

export interface Options {
  /** From its headers on, for a body that nobody waits for any longer. */
  readonly arrivesWithin?: Duration.DurationInput
  /** A steady one brings this much in each such interval, and ends in time. */
  readonly steadyBytes?: number
  readonly steadyEvery?: Duration.DurationInput
  readonly steadyWithin?: Duration.DurationInput
}

const usual = {
  arrivesWithin: "60 seconds",
  steadyBytes: 64 * 1024,
  steadyEvery: "30 seconds",
  steadyWithin: "6 hours"
} as const

export class Arrivals extends Context.Tag("http/Arrivals")<
  Arrivals,
  {
    readonly watch: (request: IncomingMessage, response: ServerResponse) => void
    /** Until the scope closes it need only keep coming; for callers who have proved who they are. */
    readonly steadily: (request: IncomingMessage) => Effect.Effect<void, never, Scope.Scope>
  }
>() {}

/** Where an answer can be said that is nobody else's: not after it began, nor before its turn has come. */
const cut = (request: IncomingMessage, response: ServerResponse): void => {
  if (request.complete) return
  if (response.headersSent || response.socket === null) request.socket.destroy()
  else Malformed.onLate(request.socket)
}

/** Bytes that its handler has not taken yet are not its sender's to hurry. */
const fed = (request: IncomingMessage): boolean => request.readableLength > 0

const bodiless = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] === undefined && (headers["content-length"] ?? "0") === "0"

interface Arrival {
  readonly cut: () => void
  /** Of whichever bound is in force. */
  timer: NodeJS.Timeout
}

export const make = (options: Options = {}): typeof Arrivals.Service => {
  const { arrivesWithin, steadyBytes, steadyEvery, steadyWithin } = { ...usual, ...options }
  const withinMillis = Duration.toMillis(arrivesWithin)
  const everyMillis = Duration.toMillis(steadyEvery)
  const intervals = Math.ceil(Duration.toMillis(steadyWithin) / everyMillis)
  const arriving = new WeakMap<IncomingMessage, Arrival>()

  const plainly = (arrival: Arrival) => {
    clearTimeout(arrival.timer)
    arrival.timer = setTimeout(arrival.cut, withinMillis)
  }

  const paced = (request: IncomingMessage, arrival: Arrival) => {
    const { socket } = request
    let [bytes, left] = [socket.bytesRead, intervals]
    const judge = () => {
      const more = socket.bytesRead - bytes
      bytes = socket.bytesRead
      left -= 1
      if (left <= 0 || (more < steadyBytes && !fed(request))) return arrival.cut()
      arrival.timer = setTimeout(look, everyMillis)
    }
    // After a pause of ours timers come before what lies in the sockets: that is read first.
    const look = () => {
      const { timer } = arrival
      setImmediate(() => {
        if (arriving.has(request) && arrival.timer === timer) judge()
      })
    }
    clearTimeout(arrival.timer)
    arrival.timer = setTimeout(look, everyMillis)
  }

  return {
    watch: (request, response) => {
      if (bodiless(request)) return
      const arrival: Arrival = {
        cut: () => cut(request, response),
        timer: setTimeout(() => arrival.cut(), withinMillis)
      }
      arriving.set(request, arrival)
      request.once("close", () => {
        arriving.delete(request)
        clearTimeout(arrival.timer)
      })
    },
    steadily: (request) =>
      Effect.suspend(() => {
        const arrival = arriving.get(request)
        if (arrival === undefined) return Effect.void
        return Effect.acquireRelease(
          Effect.sync(() => paced(request, arrival)),
          () => Effect.sync(() => (arriving.has(request) ? plainly(arrival) : undefined))
        )
      })
  }
}

export const layer = (options: Options = {}) => Layer.sync(Arrivals, () => make(options))
