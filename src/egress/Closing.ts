/** The end of a connection, or of an answer on it, waited for. */
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Effect } from "effect"

/** Who was told no may read that, but not keep the connection by never closing its side. */
const LINGER = "1 second"

type Closable = Socket | ServerResponse

export const closed = (one: Closable): Effect.Effect<void> =>
  Effect.async((resume) => {
    const end = () => resume(Effect.void)
    if (one.closed) return end()
    one.once("close", end)
    return Effect.sync(() => void one.off("close", end))
  })

/** Interrupting it closes it. */
export const closedOrCut = (one: Closable): Effect.Effect<void> =>
  Effect.onInterrupt(closed(one), () => Effect.sync(() => void one.destroy()))

/** For what has been told no. */
export const lingering = (socket: Socket) => Effect.timeoutOption(closedOrCut(socket), LINGER)
