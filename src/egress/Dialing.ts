/** The connection to a destination: to the addresses that were judged, and to nothing that a name says later. */
import { connect, isIP, type Socket } from "node:net"
import { Data, Effect, type Scope } from "effect"
import type { Destination } from "../guards/EgressPermitted.js"
import type { Permit } from "../guards/Guard.js"

export class Unreached extends Data.TaggedError("Unreached")<{ readonly status: 502 | 504; readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

const WITHIN = "10 seconds"
/** How long one address may take before the next one is tried beside it. */
const ATTEMPT_MILLIS = 2_000

/** Never looked up: `lookup` answers for it. */
const PINNED = "pinned.invalid"

const pinned = ({ addresses, port }: Destination): Socket =>
  connect({
    host: PINNED,
    port,
    lookup: (_, __, answer) =>
      answer(
        null,
        addresses.map((address) => ({ address, family: isIP(address) }))
      ),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_MILLIS,
    allowHalfOpen: true,
    noDelay: true
  })

const connected = (socket: Socket, { addresses }: Destination) =>
  Effect.async<Socket, Unreached>((resume) => {
    const failed = (error: Error) =>
      resume(new Unreached({ status: 502, reason: "code" in error ? String(error.code) : "it did not answer" }))
    socket.once("error", failed)
    socket.once("connect", () => {
      socket.off("error", failed)
      const there = addresses.includes(socket.remoteAddress ?? "")
      resume(there ? Effect.succeed(socket) : new Unreached({ status: 502, reason: "it is not where it was" }))
    })
  })

const late = () => new Unreached({ status: 504, reason: "it did not answer in time" })

/** Ends with the scope. */
export const dial = ({ facts }: Permit<"D25", Destination>): Effect.Effect<Socket, Unreached, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = pinned(facts)
      // Its end is seen by whoever uses it; an error that nobody listens to must not be the end of the process.
      socket.on("error", () => socket.destroy())
      return socket
    }),
    (socket) => Effect.sync(() => socket.destroy())
  ).pipe(
    Effect.flatMap((socket) => connected(socket, facts)),
    Effect.timeoutFail({ duration: WITHIN, onTimeout: late })
  )
