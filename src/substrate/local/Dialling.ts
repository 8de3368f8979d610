/** A connection to a port inside a container, relayed by the spawner. */
import { connect, type Socket } from "node:net"
import { getSystemErrorName } from "node:util"
import { Effect, type Scope } from "effect"
import { type SubstrateError, SubstrateFailed } from "../Substrate.js"
import * as Bounds from "./Bounds.js"
import type { Channel } from "./Channel.js"

/** The spawner gives up after 5 s. */
const ANSWER = "10 seconds"
const EPROTO = 71
const ETIMEDOUT = 110

const failed = (port: number, errno: number, why: string) =>
  new SubstrateFailed({ stage: "dial", errno, message: `port ${port}: ${why}` })

const open = (channel: Channel, port: number): Socket => {
  const head = Buffer.alloc(6)
  head.writeUInt32LE(channel.number, 0)
  head.writeUInt16LE(port, 4)
  const socket = connect({ path: channel.connection.dialled, allowHalfOpen: true })
  // For life: a broken relay must not end the process when nobody listens for errors.
  socket.on("error", () => {})
  socket.write(head)
  return socket
}

/** The first four bytes; what follows them stays in the socket. */
const answer = (socket: Socket, port: number): Effect.Effect<number, SubstrateFailed> =>
  Effect.async((resume) => {
    const settle = (outcome: Effect.Effect<number, SubstrateFailed>) => {
      socket.off("readable", read).off("end", broken).off("error", broken).off("close", broken)
      resume(outcome)
    }
    const broken = (error?: unknown) => {
      const why = error instanceof Error ? error.message : "the spawner closed the connection"
      settle(Effect.fail(failed(port, EPROTO, why)))
    }
    const read = () => {
      const bytes: Buffer | null = socket.read(4)
      if (bytes?.length === 4) settle(Effect.succeed(bytes.readUInt32LE()))
    }
    socket.on("readable", read).on("end", broken).on("error", broken).on("close", broken)
  })

export const dial = (channel: Channel, port: number): Effect.Effect<Socket, SubstrateError, Scope.Scope> =>
  Effect.gen(function* () {
    const refused = channel.end ?? Bounds.port(port)
    if (refused !== undefined) return yield* refused
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => open(channel, port)),
      (socket) => Effect.sync(() => socket.destroy())
    )
    const errno = yield* answer(socket, port).pipe(
      Effect.timeoutFail({ duration: ANSWER, onTimeout: () => failed(port, ETIMEDOUT, "no answer") })
    )
    return errno === 0 ? socket : yield* failed(port, errno, getSystemErrorName(-errno))
  })
