/** The rest of a request that is not wanted: let go by for a moment, so that its refusal can arrive. */
import type { IncomingMessage } from "node:http"
import { Effect } from "effect"

const withinMillis = 1_000

/** Closing a line with bytes unread resets it, and the caller would never see the answer. */
export const linger = (source: IncomingMessage): Effect.Effect<void> =>
  Effect.async((resume) => {
    const done = () => {
      clearTimeout(deadline)
      source.off("end", done).off("close", done)
      resume(Effect.void)
    }
    const deadline = setTimeout(done, withinMillis)
    source.on("end", done).on("close", done)
    source.resume()
    return Effect.sync(done)
  })
