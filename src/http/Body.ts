/** A request's body, read once, by hand (a quarter more requests a second than through a stream), within bounds. */
import type { IncomingMessage } from "node:http"
import { Effect } from "effect"
import { Problem } from "./Problem.js"

export const largestBody = 10 * 1024 * 1024
const slowestMillis = 30_000
const empty = Buffer.alloc(0)

const tooLarge = new Problem({
  status: 413,
  code: "body_too_large",
  message: "The body is larger than 10 MiB. Send less, or split it into several requests.",
  details: { limit_bytes: largestBody },
  headers: { connection: "close" }
})

const tooSlow = new Problem({
  status: 408,
  code: "body_timeout",
  message: `The body did not arrive within ${slowestMillis / 1000} seconds. Send it again.`,
  details: { limit_seconds: slowestMillis / 1000 },
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

/** All bodies that are arriving, together: a signature can only be checked when its body is there. */
const mostArriving = 256 * 1024 * 1024
/** As much as an ordinary program; these are never turned away for what others send. */
const small = 64 * 1024
let arriving = 0

/** Refuses on the announced length before a byte is taken, on the counted one as soon as it is passed. */
export const read = (source: IncomingMessage): Effect.Effect<Buffer, Problem> =>
  Effect.suspend(() => {
    const announced = source.headers["content-length"]
    if (announced === undefined && source.headers["transfer-encoding"] === undefined) return Effect.succeed(empty)
    if (announced === "0") return Effect.succeed(empty)
    if (announced !== undefined && Number(announced) > largestBody) return Effect.fail(tooLarge)
    return collect(source)
  })

const collect = (source: IncomingMessage): Effect.Effect<Buffer, Problem> =>
  Effect.async((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    const done = (result: Effect.Effect<Buffer, Problem>) => {
      release()
      resume(result)
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      arriving += chunk.length
      if (size > largestBody) return done(Effect.fail(tooLarge))
      if (arriving > mostArriving && size > small) return done(Effect.fail(crowded))
      chunks.push(chunk)
    }
    const onEnd = () => {
      const [only] = chunks
      done(Effect.succeed(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size)))
    }
    const onCut = () => done(Effect.fail(cutOff))
    const deadline = setTimeout(() => done(Effect.fail(tooSlow)), slowestMillis)
    const release = () => {
      clearTimeout(deadline)
      arriving -= size
      size = 0
      source.off("data", onData).off("end", onEnd).off("error", onCut).off("close", onCut)
    }
    source.on("data", onData).on("end", onEnd).on("error", onCut).on("close", onCut)
    return Effect.sync(release)
  })

const lingerMillis = 1_000

/**
 * Lets go by what a refused caller is still sending, for a moment: closing a line with bytes unread resets it, and
 * the caller would never see the answer.
 */
export const linger = (source: IncomingMessage): Effect.Effect<void> =>
  Effect.async((resume) => {
    const done = () => {
      clearTimeout(deadline)
      source.off("end", done).off("close", done)
      resume(Effect.void)
    }
    const deadline = setTimeout(done, lingerMillis)
    source.on("end", done).on("close", done)
    source.resume()
    return Effect.sync(done)
  })
