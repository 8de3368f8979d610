/** Room for large answers while they are made and sent: in shares by caller; who finds none waits in line for a moment. */
import type { ServerResponse } from "node:http"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Context, type Duration, Effect, Layer } from "effect"
import { Problem } from "../Problem.js"
import * as Shares from "./Shares.js"

export interface Options {
  /** All large answers together, as they are held: large texts once each. */
  readonly answerBytes?: number
  /** An answer for which there is no room by then is refused. */
  readonly answerWithin?: Duration.DurationInput
}

const usual = { answerBytes: 256 * 1024 * 1024, answerWithin: "10 seconds" } as const

/** Every line may have this much under way. */
const small = 256 * 1024

export class AnswerRoom extends Context.Tag("http/AnswerRoom")<
  AnswerRoom,
  {
    /** Resolves when there is room; it is free again when the line has done with this answer, however that ends. */
    readonly hold: (
      request: HttpServerRequest.HttpServerRequest,
      caller: string,
      bytes: number
    ) => Effect.Effect<void, Problem>
  }
>() {}

const crowded = new Problem({
  status: 503,
  code: "too_many_answers",
  message: "Too many of your large answers are under way. What a job left is kept: ask GET /jobs/{id} again shortly.",
  retryAfterSeconds: 2
})

/** Waits; true once it need not be asked again. */
type Waiter = () => boolean

const make = (options: Options = {}): typeof AnswerRoom.Service => {
  const { answerBytes, answerWithin } = { ...usual, ...options }
  const room = Shares.make(answerBytes)
  const waiting = new Set<Waiter>()

  /** In the order in which they came; who finds none does not keep others, of whom there is less, from theirs. */
  const wake = () => {
    for (const waiter of waiting) if (waiter()) waiting.delete(waiter)
  }

  const enter = (response: ServerResponse, caller: string, bytes: number): boolean => {
    const shares = [{ name: caller, part: 1 }]
    if (!room.take(shares, bytes)) return false
    response.once("close", () => {
      room.give(shares, bytes)
      wake()
    })
    return true
  }

  const turn = (response: ServerResponse, caller: string, bytes: number) =>
    Effect.async<void>((resume) => {
      const waiter: Waiter = () => {
        // Its caller left, and nothing would tell that the room is free again.
        if (response.destroyed) return true
        if (!enter(response, caller, bytes)) return false
        resume(Effect.void)
        return true
      }
      if (!waiter()) waiting.add(waiter)
      return Effect.sync(() => waiting.delete(waiter))
    })

  return {
    hold: (request, caller, bytes) => {
      if (bytes <= small) return Effect.void
      const response = NodeHttpServerRequest.toServerResponse(request)
      return Effect.timeoutFail(turn(response, caller, bytes), { duration: answerWithin, onTimeout: () => crowded })
    }
  }
}

export const layer = (options: Options = {}) => Layer.sync(AnswerRoom, () => make(options))
