/** Seats for those who follow a log as it comes: bounded in all, and for each caller in shares; free when their line closes. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect } from "effect"
import { Problem } from "../Problem.js"
import * as Shares from "../wire/Shares.js"

const most = 256
/** Of what is free after it, one caller's. */
const part = 1 / 8
/** A reader whose line takes nothing for so long is gone; every keepalive moves it. */
const stalledMillis = 60_000

const crowded = new Problem({
  status: 503,
  code: "too_many_streams",
  message: "Too many logs are followed at once. Close one, or come again shortly.",
  retryAfterSeconds: 5
})

interface Seats {
  /** Never waits. */
  readonly take: (request: HttpServerRequest.HttpServerRequest, caller: string) => Effect.Effect<void, Problem>
}

export const make = (): Seats => {
  const seats = Shares.make(most)
  return {
    take: (request, caller) =>
      Effect.suspend(() => {
        const response = NodeHttpServerRequest.toServerResponse(request)
        const shares = [{ name: caller, part }]
        if (response.destroyed) return Effect.interrupt
        if (!seats.take(shares, 1)) return crowded
        response.once("close", () => seats.give(shares, 1))
        response.socket?.setTimeout(stalledMillis)
        return Effect.void
      })
  }
}
