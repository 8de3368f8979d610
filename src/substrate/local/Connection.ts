/** The one socket to the spawner: writes of a tick go out together, replies go to the container they name. */
import { connect, type Socket } from "node:net"
import { Deferred, Effect, FiberId } from "effect"
import { type SubstrateFailed, SubstrateLost } from "../Substrate.js"
import { Splitter } from "./Frame.js"
import { Outgoing } from "./Outgoing.js"
import { Malformed, type Reader } from "./Reader.js"
import * as Reply from "./Reply.js"
import type { Request } from "./Request.js"

export interface Route {
  readonly reply: (reply: Reply.Reply) => void
  readonly lost: (lost: SubstrateLost) => void
  /** It goes on without us. */
  readonly survives?: boolean
}

export interface Early {
  readonly container: number
  readonly exit: Reply.Exit
}

/** As many commands as a spawner has at once. */
const EARLY_MAX = 8192
/** How it ends when nobody listens, or somebody who is just ending. */
const VACANT = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"]

const READ = 256 * 1024

export class Connection {
  /** Fails with `lost` when it ends before it began. */
  readonly connected = Deferred.unsafeMake<void, SubstrateLost>(FiberId.none)
  /** Completes when it is over, and with why. */
  readonly lost = Deferred.unsafeMake<never, SubstrateLost>(FiberId.none)
  private readonly socket: Socket
  private readonly routes = new Map<number, Route>()
  private readonly outgoing: Outgoing
  private highest = 0
  private ended: SubstrateLost | undefined
  private said = false
  /** Ends of commands that a former connection started, told before we know of them; undefined: we know them all. */
  private early: Array<Early> | undefined = []
  /** We ended it, and something in it goes on without us. */
  left = false
  /** It ended before the other side said a word: nobody is there. */
  vacant = false

  constructor(
    path: string,
    /** Where ports inside are dialled. */
    readonly dialled: string
  ) {
    const splitter = new Splitter((type, container, payload) => this.receive(type, container, payload))
    const buffer = Buffer.allocUnsafeSlow(READ)
    this.socket = connect({
      path,
      // One buffer for all reads: whoever keeps bytes of a frame copies them, and 64 KiB a read is not left to the collector.
      onread: {
        buffer,
        callback: (size) => {
          this.said = true
          this.split(splitter, buffer.subarray(0, size))
          return true
        }
      }
    })
    this.outgoing = new Outgoing(this.socket)
    this.socket.on("connect", () => Deferred.unsafeDone(this.connected, Effect.void))
    this.socket.on("error", (error: NodeJS.ErrnoException) => {
      this.vacate(VACANT.includes(error.code ?? ""))
      this.lose(`the connection to the spawner broke (${error.message})`)
    })
    this.socket.on("close", () => {
      this.vacate(true)
      this.lose("the spawner closed the connection")
    })
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

  /** Numbers up to it are taken by what a former connection left; whose ends may have been told already. */
  above(number: number): ReadonlyArray<Early> {
    const early = this.early ?? []
    this.early = undefined
    this.highest = Math.max(this.highest, number)
    return early
  }

  attach(container: number, route: Route): void {
    this.routes.set(container, route)
  }

  detach(container: number): void {
    this.routes.delete(container)
  }

  /** False: refused, because too much is waiting to go out. `urgent` is for the few bytes that free something. */
  send(container: number, request: Request, urgent = false): boolean {
    if (this.ended !== undefined) return false
    if (!urgent && this.outgoing.isFull) return false
    this.outgoing.add(container, request)
    return true
  }

  /** Sends as soon as there is room. */
  deliver(container: number, request: Request): Effect.Effect<void, SubstrateFailed | SubstrateLost> {
    const sent = this.outgoing.room(() => this.send(container, request, true))
    return Effect.flatMap(sent, () => this.ended ?? Effect.void)
  }

  /** Our end of it, after everything that was sent went out. True: something goes on without us. */
  close(): boolean {
    if (this.ended !== undefined) return this.left
    this.left = [...this.routes.values()].some(({ survives }) => survives === true)
    this.outgoing.flush()
    this.socket.unref()
    this.end("the substrate is closing", () => this.socket.destroySoon())
    return this.left
  }

  /** Whatever broke: everything that waits fails with `reason`. Idempotent. */
  lose(reason: string): void {
    this.end(reason, () => this.socket.destroy())
  }

  private end(reason: string, hangUp: () => void): void {
    if (this.ended !== undefined) return
    const lost = new SubstrateLost({ reason })
    this.ended = lost
    hangUp()
    const routes = [...this.routes.values()]
    this.routes.clear()
    for (const route of routes) route.lost(lost)
    this.outgoing.close()
    Deferred.unsafeDone(this.connected, Effect.fail(lost))
    Deferred.unsafeDone(this.lost, Effect.fail(lost))
  }

  /** What a former connection left ends as it likes, also before it was listed. */
  private note(container: number, reply: Reply.Reply, early: Array<Early>): void {
    if (early.length === EARLY_MAX) throw new Malformed("too much before the listing")
    if (reply._tag === "Exit") early.push({ container, exit: reply })
  }

  private vacate(nobody: boolean): void {
    this.vacant = nobody && this.ended === undefined && !this.said
  }

  private split(splitter: Splitter, chunk: Buffer): void {
    try {
      if (this.ended === undefined) splitter.push(chunk)
    } catch (cause) {
      if (!(cause instanceof Malformed)) throw cause
      this.lose(`the spawner sent a malformed frame (${cause.message})`)
    }
  }

  private receive(type: number, container: number, payload: Reader): void {
    const reply = Reply.read(type, payload)
    if (reply._tag === "Error") {
      this.lose(`the spawner reports: ${reply.message}`)
      return
    }
    const route = this.routes.get(container)
    // Its end and our last request crossed; every other frame for a container that is over is a lie.
    const crossed = container <= this.highest && (reply._tag === "Failed" || reply._tag === "Gone")
    if (route !== undefined) route.reply(reply)
    else if (this.early !== undefined) this.note(container, reply, this.early)
    else if (!crossed) throw new Malformed(`${reply._tag} for container ${container}`)
  }
}
