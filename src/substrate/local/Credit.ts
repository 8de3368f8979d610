/** One exec's output that is not capped: the spawner sends no more than a window beyond what was granted back. */
import type { Channel } from "./Channel.js"
import type { Sink } from "./Execs.js"
import { Malformed } from "./Reader.js"

/** PROTOCOL: bytes that the spawner sends without a grant. */
const WINDOW = 1024 * 1024
/** Less is not worth a frame, and leaves the spawner most of its window. */
const WORTH = WINDOW / 4

export class Credit {
  /** What came and was not granted back; of that, what was read. */
  private outstanding = 0
  private read = 0

  constructor(private readonly channel: Channel) {}

  came(bytes: number): void {
    this.outstanding += bytes
    if (this.outstanding > WINDOW) throw new Malformed("more output than was granted")
  }

  consumed(exec: number, bytes: number): void {
    this.read += bytes
    if (this.read < WORTH) return
    this.grant(exec, this.read)
    this.outstanding -= this.read
    this.read = 0
  }

  /** Nobody reads any more. The rest is let through all the same: the command's end comes after it. */
  waive(exec: number): Sink {
    this.grant(exec, this.outstanding)
    return { out: ({ bytes }) => this.grant(exec, bytes.length), exit: () => {}, failed: () => {} }
  }

  /** Urgent: a grant that was refused would never be made up for. */
  private grant(exec: number, bytes: number): void {
    this.channel.connection.send(this.channel.number, { _tag: "Grant", exec, bytes }, true)
  }
}
