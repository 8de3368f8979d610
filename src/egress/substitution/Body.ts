/** A request's body, as far as something may be put into it: held whole when it is small, else passed on. */
import type { IncomingMessage } from "node:http"
import { Effect } from "effect"

export interface Body {
  /** What has come of it. */
  readonly bytes: Buffer
  /** There is nothing more. */
  readonly whole: boolean
}

const MOST = 2 ** 20
/** Who sends slowly is not kept waiting for an answer that may come before its end. */
const WITHIN = "10 seconds"

/** What holding it may take at most; nothing when it is not held. */
export const weight = ({ headers }: IncomingMessage): number => {
  if (headers["transfer-encoding"] !== undefined) return MOST
  const length = Number(headers["content-length"] ?? 0)
  return length > MOST ? 0 : length
}

/** It pauses when it is not whole, so that whoever carries it on misses nothing. Undefined: it broke off. */
export const gather = (request: IncomingMessage): Effect.Effect<Body | undefined> => {
  const pieces: Array<Buffer> = []
  let size = 0
  const taken = (whole: boolean): Body => ({ bytes: Buffer.concat(pieces), whole })
  return Effect.async<Body | undefined>((resume) => {
    if (Number(request.headers["content-length"] ?? 0) > MOST) return resume(Effect.succeed(taken(false)))
    const settle = (body: Body | undefined) => {
      request.pause()
      request.off("data", more).off("end", end).off("close", broken)
      resume(Effect.succeed(body))
    }
    const more = (piece: Buffer) => {
      pieces.push(piece)
      size += piece.length
      if (size > MOST) settle(taken(false))
    }
    const end = () => settle(taken(true))
    const broken = () => settle(undefined)
    request.on("data", more).once("end", end).once("close", broken)
    return Effect.sync(() => {
      request.pause()
      request.off("data", more).off("end", end).off("close", broken)
    })
  }).pipe(Effect.timeoutTo({ duration: WITHIN, onTimeout: () => taken(false), onSuccess: (body) => body }))
}
