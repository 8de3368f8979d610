/** Connections to services that are kept for the next visitor: dialling costs both sides more than a small answer does. */
import { Agent, type ClientRequest } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Effect, ExecutionStrategy, Exit, FiberSet, Scope } from "effect"
import type { Dial, Unreachable } from "./Destinations.js"

/** Idle ones: of a service, where each is a relay of its container, and of all. */
export const KEPT = 32
const KEPT_IN_ALL = 1_024
/** Most servers hang up after 5 s and more of silence, others say when; we do first, so that no request meets that on its way. */
const IDLE_MILLIS = 4_000

type Returned = (line: Line) => boolean

/** One connection, for one request at a time. */
class Line extends Agent {
  /** Requests that it was given. */
  uses = 0
  /** On the shelf. */
  idle = false
  private readonly hangUp = () => void this.socket.destroy()

  /** `returned`: it has nothing to do, and is to be kept or not. */
  constructor(
    readonly socket: Socket,
    private readonly returned: Returned
  ) {
    super({ keepAlive: true, timeout: IDLE_MILLIS })
  }

  /** Of whatever it is asked for: it leads to one place, and naming that costs each request. */
  override getName(): string {
    return "line"
  }

  /** Asked for a second one, it has lost the first. */
  override createConnection(_: unknown, made?: (error: Error | null, socket: Socket) => void): Socket | undefined {
    this.uses += 1
    if (this.uses === 1) return this.socket
    made?.(Object.assign(new Error("it hung up"), { code: "ECONNRESET" }), this.socket)
    return undefined
  }

  override keepSocketAlive(socket: Duplex): boolean {
    // Its type says void; what it returns is whether the server itself keeps it long enough.
    const may: unknown = super.keepSocketAlive(socket)
    // What comes before it was asked for would be taken for the next visitor's answer.
    if (may === false || socket.readableLength > 0 || !this.returned(this)) return false
    socket.on("data", this.hangUp).on("end", this.hangUp)
    this.idle = true
    return true
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    this.uses += 1
    socket.off("data", this.hangUp).off("end", this.hangUp)
    super.reuseSocket(socket, request)
  }
}

/** Where a request can be sent, nobody else's meanwhile. `kept`: the connection may have ended without our knowledge. */
export interface Way {
  readonly line: Agent
  readonly kept: boolean
}

/** The lines that nobody uses, by where they lead; the last that came back is the first to go. */
class Shelf {
  private readonly idle = new Map<string, Array<Line>>()
  private all = 0

  take(name: string): Line | undefined {
    const line = this.idle.get(name)?.findLast(({ socket }) => !socket.destroyed)
    if (line === undefined) return undefined
    this.drop(name, line)
    line.idle = false
    return line
  }

  put(name: string, line: Line): boolean {
    const beside = this.idle.get(name) ?? []
    if (this.all >= KEPT_IN_ALL || beside.length >= KEPT) return false
    this.idle.set(name, beside)
    beside.push(line)
    this.all += 1
    return true
  }

  drop(name: string, line: Line): void {
    const beside = this.idle.get(name) ?? []
    const at = beside.indexOf(line)
    if (at < 0) return
    beside.splice(at, 1)
    this.all -= 1
    if (beside.length === 0) this.idle.delete(name)
  }
}

/** Closing the scope closes all of them. */
export const make = Effect.gen(function* () {
  const scope = yield* Effect.scope
  const run = yield* FiberSet.makeRuntime<never>()
  const shelf = new Shelf()

  /** For longer than the visit that asked for it: until either end closes it. Only the dialling may be interrupted. */
  const lasting = (name: string, dial: Dial) =>
    Effect.gen(function* () {
      const own = yield* Scope.fork(scope, ExecutionStrategy.sequential)
      const close = (exit: Exit.Exit<unknown, unknown>) => Scope.close(own, exit)
      const socket = yield* Effect.onError(Scope.extend(dial, own), (cause) => close(Exit.failCause(cause)))
      const line = new Line(socket, (idle) => shelf.put(name, idle))
      socket.once("close", () => {
        shelf.drop(name, line)
        run(close(Exit.void))
      })
      return line
    })

  /** What did not come back from its request, or never had one, is nobody's any more. It may come back a moment after the answer. */
  const settle = (line: Line) => {
    const { uses } = line
    setImmediate(() => {
      if (!line.idle && line.uses === uses) line.socket.destroy()
    })
  }

  /** One request's use of a line to whatever `dial` leads to, which has that name. */
  return <A, E>(name: string, dial: Dial, use: (way: Way) => Effect.Effect<A, E>): Effect.Effect<A, E | Unreachable> =>
    Effect.uninterruptibleMask((restore) => {
      const used = (line: Line, kept: boolean) =>
        Effect.ensuring(
          restore(use({ line, kept })),
          Effect.sync(() => settle(line))
        )
      const line = shelf.take(name)
      if (line !== undefined) return used(line, true)
      return Effect.flatMap(lasting(name, restore(dial)), (made) => used(made, false))
    })
})
