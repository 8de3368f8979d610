/** What waits to be sent: frames of one turn go out together, and there is a bound to how much may wait. */
import type { Socket } from "node:net"
import { Effect } from "effect"
import { SubstrateFailed } from "../Substrate.js"
import * as Request from "./Request.js"
import { Writer } from "./Writer.js"

const MIB = 1024 * 1024
/** Above it, requests are refused. */
const FULL = 8 * MIB
/** Below it, what was held back goes out. */
const ROOMY = 2 * MIB
/** Shorter tails are copied behind their frame: one buffer is cheaper to write than three. */
const COPIED = 8 * 1024
const HELD = "10 seconds"
const EAGAIN = 11

export const backpressure = () =>
  new SubstrateFailed({
    stage: "backpressure",
    errno: EAGAIN,
    message: "too much is waiting to be sent to the spawner: try again"
  })

export class Outgoing {
  private readonly writer = new Writer()
  private readonly held = new Set<() => void>()
  private chunks: Array<Uint8Array> = []
  private queued = 0
  private scheduled = false

  constructor(private readonly socket: Socket) {
    socket.on("drain", () => this.release())
  }

  get isFull(): boolean {
    return this.backlog > FULL
  }

  add(container: number, request: Request.Request): void {
    Request.write(this.writer, container, request)
    this.follow(Request.tail(request))
    if (this.scheduled) return
    this.scheduled = true
    // After all microtasks, and so after all fibers that run now.
    process.nextTick(() => this.flush())
  }

  /** Resolves when there is room; those that wait go in order. `then` runs at that very moment. */
  room(then: () => void): Effect.Effect<void, SubstrateFailed> {
    return Effect.async<void>((resume) => {
      const go = () => {
        then()
        resume(Effect.void)
      }
      if (this.held.size === 0 && this.backlog < ROOMY) return go()
      this.held.add(go)
      return Effect.sync(() => this.held.delete(go))
    }).pipe(Effect.timeoutFail({ duration: HELD, onTimeout: backpressure }))
  }

  /** Lets everything go that was held back: nothing will be sent any more. */
  close(): void {
    for (const go of this.held) go()
    this.held.clear()
  }

  private get backlog(): number {
    return this.socket.writableLength + this.queued + this.writer.size
  }

  private follow(tail: Uint8Array | undefined): void {
    if (tail === undefined || tail.length === 0) return
    if (tail.length <= COPIED) {
      this.writer.reserve(tail.length)
      this.writer.bytes(tail)
    } else {
      const head = this.writer.take()
      this.chunks.push(head, tail)
      this.queued += head.length + tail.length
    }
  }

  /** At once, instead of at the end of the turn. */
  flush(): void {
    this.scheduled = false
    const chunks = this.chunks
    if (this.writer.size > 0) chunks.push(this.writer.take())
    this.chunks = []
    this.queued = 0
    if (this.socket.destroyed) return
    if (chunks.length > 1) this.socket.cork()
    for (const chunk of chunks) this.socket.write(chunk)
    if (chunks.length > 1) this.socket.uncork()
  }

  private release(): void {
    for (const go of this.held) {
      if (this.backlog >= ROOMY) return
      this.held.delete(go)
      go()
    }
  }
}
