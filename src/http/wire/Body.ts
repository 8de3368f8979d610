/** A request's body, read once, by hand (a quarter more requests a second than through a stream), within bounds. */
import type { IncomingMessage } from "node:http"
import { Context, Duration, Effect, Layer } from "effect"
import { Problem } from "../Problem.js"
import * as Pieces from "./Pieces.js"
import * as Shares from "./Shares.js"

export const largestBody = 10 * 1024 * 1024
const empty = Buffer.alloc(0)

export interface Options {
  /** A body that has not arrived by then is refused. */
  readonly bodyWithin?: Duration.DurationInput
  /** All large bodies that are arriving, together: a signature can only be checked when its body is there. */
  readonly arrivingBytes?: number
}

const usual = { bodyWithin: "30 seconds", arrivingBytes: 256 * 1024 * 1024 } as const

export class Bodies extends Context.Tag("http/Bodies")<
  Bodies,
  {
    /** `key` is who sends it, as long as nobody has proved it. */
    readonly read: (source: IncomingMessage, key: string) => Effect.Effect<Buffer, Problem>
  }
>() {}

const tooLarge = new Problem({
  status: 413,
  code: "body_too_large",
  message: "The body is larger than 10 MiB. Send less, or split it into several requests.",
  details: { limit_bytes: largestBody },
  headers: { connection: "close" }
})

const tooSlow = (seconds: number) =>
  new Problem({
    status: 408,
    code: "body_timeout",
    message: `The body did not arrive within ${seconds} seconds. Send it again.`,
    details: { limit_seconds: seconds },
    headers: { connection: "close" }
  })

const cutOff = new Problem({
  status: 400,
  code: "body_incomplete",
  message: "The connection ended before the body did.",
  headers: { connection: "close" }
})

const crowded = new Problem({
  status: 503,
  code: "too_many_bodies",
  message: "Too many large bodies are arriving at once. Send it again shortly.",
  retryAfterSeconds: 1,
  headers: { connection: "close" }
})

/** As much as an ordinary program: every connection may bring it, whatever others send, and it is not counted. */
const small = 64 * 1024

/** A host's own proxy stands before all of its callers: its address tells none from another. */
const local = /^(?:::ffff:)?127\.|^::1$/

/**
 * Anybody may claim a key that is known, so a key's share is not for one address to fill, and an address' share not for
 * one key.
 */
export const sharesOf = (key: string, address: string): ReadonlyArray<Shares.Share> => [
  { name: `${address} ${key}`, part: 1 / 2 },
  { name: key, part: 2 },
  ...(local.test(address) ? [] : [{ name: address, part: 2 }])
]

/** What arrives of one body counts against its sender's shares until it is there. */
const counting = (arriving: Shares.Shares, shares: () => ReadonlyArray<Shares.Share>) => {
  let mine: ReadonlyArray<Shares.Share> | undefined
  let counted = 0
  return {
    to: (size: number): boolean => {
      const more = size - small - counted
      if (more <= 0) return true
      mine ??= shares()
      if (!arriving.take(mine, more)) return false
      counted += more
      return true
    },
    release: () => {
      if (mine !== undefined) arriving.give(mine, counted)
      counted = 0
    }
  }
}

const make = (options: Options = {}): typeof Bodies.Service => {
  const { arrivingBytes, bodyWithin } = { ...usual, ...options }
  const arriving = Shares.make(arrivingBytes)
  const withinMillis = Duration.toMillis(bodyWithin)
  const late = tooSlow(withinMillis / 1_000)

  const collect = (source: IncomingMessage, key: string): Effect.Effect<Buffer, Problem> =>
    Effect.async((resume) => {
      const pieces = Pieces.make()
      const counted = counting(arriving, () => sharesOf(key, source.socket.remoteAddress ?? ""))
      const done = (result: Effect.Effect<Buffer, Problem>) => {
        release()
        resume(result)
      }
      const onData = (chunk: Buffer) => {
        pieces.add(chunk)
        if (pieces.size() > largestBody) return done(Effect.fail(tooLarge))
        if (!counted.to(pieces.size())) return done(Effect.fail(crowded))
      }
      const onEnd = () => done(Effect.succeed(pieces.whole()))
      const onCut = () => done(Effect.fail(cutOff))
      const deadline = setTimeout(() => done(Effect.fail(late)), withinMillis)
      const release = () => {
        clearTimeout(deadline)
        counted.release()
        source.off("data", onData).off("end", onEnd).off("error", onCut).off("close", onCut)
      }
      source.on("data", onData).on("end", onEnd).on("error", onCut).on("close", onCut)
      return Effect.sync(release)
    })

  return {
    /** Refuses on the announced length before a byte is taken, on the counted one as soon as it is passed. */
    read: (source, key) =>
      Effect.suspend(() => {
        const announced = source.headers["content-length"]
        if (announced === undefined && source.headers["transfer-encoding"] === undefined) return Effect.succeed(empty)
        if (announced === "0") return Effect.succeed(empty)
        if (announced !== undefined && Number(announced) > largestBody) return Effect.fail(tooLarge)
        return collect(source, key)
      })
  }
}

export const layer = (options: Options = {}) => Layer.sync(Bodies, () => make(options))
