/** Two sockets as one connection: bytes both ways at the pace of the slower, each side's end passed on. */
import type { Socket } from "node:net"
import { Effect } from "effect"

/** Neither side has said or taken anything for so long. */
export const SILENCE_MILLIS = 300_000

/** Resolves when both are closed; interrupting it closes them. */
export const join = (client: Socket, upstream: Socket): Effect.Effect<void> =>
  Effect.async((resume) => {
    const both = [client, upstream] as const
    const cut = () => both.forEach((socket) => void socket.destroy())
    const closed = () => {
      if (both.every((socket) => socket.closed)) resume(Effect.void)
    }
    for (const [one, other] of [both, [upstream, client] as const]) {
      one.setTimeout(SILENCE_MILLIS, cut)
      one.once("close", () => {
        // One that broke off takes the other along; one that ended well has told the other, which may still be writing.
        if (!one.readableEnded) other.destroy()
        closed()
      })
      one.pipe(other)
    }
    closed()
    return Effect.sync(cut)
  })
