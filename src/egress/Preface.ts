/** The line before a container's first byte: the membrane says whose connection it is, and no tenant can. */
import type { Socket } from "node:net"
import { Data, Effect } from "effect"

export class NoPreface extends Data.TaggedError("NoPreface")<{}> {}

const LONGEST = 256
const WITHIN = "5 seconds"
const LINE = /^container (unsb-vm-[0-9a-f]{16,32}) [\x20-\x7e]{1,128}$/

/** The container's id. What came after the line is back in the socket, which is paused. */
export const read = (socket: Socket): Effect.Effect<string, NoPreface> =>
  Effect.async<string, NoPreface>((resume) => {
    let seen = Buffer.alloc(0)
    const settle = (result: Effect.Effect<string, NoPreface>) => {
      socket.off("data", look).off("close", none)
      resume(result)
    }
    const none = () => settle(new NoPreface())
    const look = (bytes: Buffer) => {
      seen = Buffer.concat([seen, bytes])
      const end = seen.subarray(0, LONGEST).indexOf("\n")
      if (end < 0) return seen.length < LONGEST ? undefined : none()
      socket.pause()
      const container = LINE.exec(seen.toString("latin1", 0, end))?.[1]
      if (container === undefined) return none()
      if (seen.length > end + 1) socket.unshift(seen.subarray(end + 1))
      settle(Effect.succeed(container))
    }
    socket.on("data", look).once("close", none)
    socket.resume()
    return Effect.sync(() => {
      socket.off("data", look).off("close", none)
    })
  }).pipe(Effect.timeoutFail({ duration: WITHIN, onTimeout: () => new NoPreface() }))
