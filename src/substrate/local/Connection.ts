/** The one socket to the spawner: writes of a tick go out together, replies go to the container they name. */
import type { Socket } from "node:net"
import { Deferred, Effect, FiberId } from "effect"
import { SubstrateFailed, SubstrateLost } from "../Substrate.js"
import { Malformed, type Reader, Writer } from "./Bytes.js"
import { Splitter } from "./Frame.js"
import * as Reply from "./Reply.js"
import * as Request from "./Request.js"

export interface Route {
  readonly reply: (reply: Reply.Reply) => void
  readonly lost: (lost: SubstrateLost) => void
}

const MIB = 1024 * 1024
/** Above it, `send` refuses. */
const FULL = 8 * MIB
/** Below it, what `deliver` holds back goes out. */
const ROOMY = 2 * MIB
/** Shorter tails are copied behind their frame: one buffer is cheaper to write than three. */
const COPIED = 8 * 1024
const DELIVERY = "10 seconds"

const backpressure = () =>
  new SubstrateFailed({
    stage: "backpressure",
    errno: 11,
    message: "too much is waiting to be sent to the spawner: try again"
  })

export class Connection {
  /** Completes when it is over, and with why. */
  readonly lost = Deferred.unsafeMake<never, SubstrateLost>(FiberId.none)
  private readonly routes = new Map<number, Route>()
  private readonly writer = new Writer()
  private readonly held = new Set<() => void>()
  private chunks: Array<Uint8Array> = []
  private queued = 0
  private scheduled = false
  private highest = 0
  private ended: SubstrateLost | undefined

  constructor(private readonly socket: Socket) {
    const splitter = new Splitter((type, container, payload) => this.receive(type, container, payload))
    socket.on("data", (chunk: Buffer) => {
      try {
        if (this.ended === undefined) splitter.push(chunk)
      } catch (cause) {
        if (!(cause instanceof Malformed)) throw cause
        this.lose(`the spawner sent a malformed frame (${cause.message})`)
      }
    })
    socket.on("drain", () => this.release())
    socket.on("error", (error) => this.lose(`the connection to the spawner broke (${error.message})`))
    socket.on("close", () => this.lose("the spawner closed the connection"))
  }

  get over(): SubstrateLost | undefined {
    return this.ended
  }

  /** A number that no container of this connection had. */
  number(): number {
    if (this.highest === 0xffff_ffff) this.lose("container numbers are used up")
    else this.highest += 1
    return this.highest
  }

  attach(container: number, route: Route): void {
    this.routes.set(container, route)
  }

  detach(container: number): void {
    this.routes.delete(container)
  }

  /** False: refused, because too much is waiting to go out. `urgent` is for the few bytes that free something. */
  send(container: number, request: Request.Request, urgent = false): boolean {
    if (this.ended !== undefined) return false
    if (!urgent && this.backlog > FULL) return false
    Request.write(this.writer, container, request)
    this.follow(Request.tail(request))
    if (!this.scheduled) {
      this.scheduled = true
      // After all microtasks, and so after all fibers that run now.
      process.nextTick(() => this.flush())
    }
    return true
  }

  /** Sends as soon as there is room; those that wait go in order. Interruptible. */
  deliver(container: number, request: Request.Request): Effect.Effect<void, SubstrateFailed | SubstrateLost> {
    return Effect.async<void, SubstrateFailed | SubstrateLost>((resume) => {
      const attempt = () => {
        if (this.ended !== undefined) return resume(Effect.fail(this.ended))
        this.send(container, request)
        resume(Effect.void)
      }
      if (this.held.size === 0 && this.backlog < ROOMY) return attempt()
      this.held.add(attempt)
      return Effect.sync(() => this.held.delete(attempt))
    }).pipe(Effect.timeoutFail({ duration: DELIVERY, onTimeout: backpressure }))
  }

  /** The end, whoever asks for it: everything that waits fails with `reason`. Idempotent. */
  lose(reason: string): void {
    if (this.ended !== undefined) return
    const lost = new SubstrateLost({ reason })
    this.ended = lost
    this.socket.destroy()
    const routes = [...this.routes.values()]
    this.routes.clear()
    for (const route of routes) route.lost(lost)
    this.release()
    Deferred.unsafeDone(this.lost, Effect.fail(lost))
  }

  static readonly backpressure = backpressure

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

  private flush(): void {
    this.scheduled = false
    const chunks = this.chunks
    if (this.writer.size > 0) chunks.push(this.writer.take())
    this.chunks = []
    this.queued = 0
    if (this.ended !== undefined) return
    if (chunks.length > 1) this.socket.cork()
    for (const chunk of chunks) this.socket.write(chunk)
    if (chunks.length > 1) this.socket.uncork()
  }

  private release(): void {
    for (const attempt of this.held) {
      if (this.ended === undefined && this.backlog >= ROOMY) return
      this.held.delete(attempt)
      attempt()
    }
  }

  private receive(type: number, container: number, payload: Reader): void {
    const reply = Reply.read(type, payload)
    if (reply._tag === "Error") throw new Malformed(`it reports: ${reply.message}`)
    const route = this.routes.get(container)
    // Its end and our last request crossed; every other frame for a container that is over is a lie.
    const crossed = container <= this.highest && (reply._tag === "Failed" || reply._tag === "Gone")
    if (route !== undefined) route.reply(reply)
    else if (!crossed) throw new Malformed(`${reply._tag} for container ${container}`)
  }
}
