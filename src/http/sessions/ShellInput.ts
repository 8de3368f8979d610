/** What comes in on one WebSocket at a session's terminal: what is typed, and changes of size. */
import { Deferred, Effect, FiberId, Option } from "effect"
import type { RawData, WebSocket } from "ws"
import * as Json from "../Json.js"

/** What was typed and is not taken yet; beyond it nothing more is read off the line. */
const TYPED = 64 * 1024
/** What any of it costs beside its bytes: frames without a byte, and changes of size, are bounded by it too. */
const APIECE = 64
/** No text that means something is longer; what is, is not looked at. */
const LONGEST_TEXT = 1_024

interface Resize {
  readonly columns: number
  readonly rows: number
}

/** Of texts only this one means anything; others may come from newer clients. */
const resizeOf = (data: Buffer): Resize | undefined => {
  if (data.length > LONGEST_TEXT) return undefined
  const text = data.toString()
  const value = Option.getOrUndefined(Option.getRight(Json.parse(text)))
  if (typeof value !== "object" || value === null || Reflect.get(value, "type") !== "resize") return undefined
  const [columns, rows] = [Reflect.get(value, "cols"), Reflect.get(value, "rows")]
  return typeof columns === "number" && typeof rows === "number" ? { columns, rows } : undefined
}

const bytesOf = (data: RawData): Buffer => {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? Buffer.from(data) : data
}

const weightOf = (item: Buffer | Resize): number => APIECE + (item instanceof Buffer ? item.length : 0)

/**
 * What comes in, in order, while it is being taken; off the line no faster than that. To be made as soon as the line is: what
 * came with the upgrade itself follows at once, and an error that nobody heard would end the process.
 */
export class Incoming {
  private readonly waiting: Array<Buffer | Resize> = []
  private weight = 0
  private wake: (() => void) | undefined
  /** Pings that were not answered, by this or anything else. */
  silence = 0
  readonly closed = Deferred.unsafeMake<void>(FiberId.none)

  constructor(readonly socket: WebSocket) {
    socket.on("message", (data, isBinary) => this.came(bytesOf(data), isBinary))
    socket.on("pong", () => this.heard())
    socket.on("close", () => Deferred.unsafeDone(this.closed, Effect.void))
    // The close that follows says all there is to say.
    socket.on("error", () => {})
  }

  get held(): boolean {
    return this.socket.isPaused
  }

  readonly next: Effect.Effect<Buffer | Resize> = Effect.async((resume) => {
    const take = () => {
      const first = this.waiting.shift()
      if (first === undefined) return
      this.wake = undefined
      this.weight -= weightOf(first)
      if (this.held && this.weight < TYPED) this.socket.resume()
      resume(Effect.succeed(first))
    }
    this.wake = take
    take()
    return Effect.sync(() => {
      this.wake = undefined
    })
  })

  private heard(): void {
    this.silence = 0
  }

  private came(data: Buffer, isBinary: boolean): void {
    this.heard()
    const item = isBinary ? data : resizeOf(data)
    if (item === undefined) return
    this.waiting.push(item)
    this.weight += weightOf(item)
    if (this.weight >= TYPED) this.socket.pause()
    this.wake?.()
  }
}
