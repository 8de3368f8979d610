/** One exec's standard input, fed within the credit that the spawner gives (PROTOCOL, ROOM). */
import type { Channel } from "./Channel.js"

const PIECE = 64 * 1024
/** What the spawner buffers at most, unread by the program. */
const CREDIT = 1024 * 1024

export class Input {
  private exec = 0
  private unacknowledged = 0
  private rest: Uint8Array = new Uint8Array(0)
  private ending = false
  private ended = false

  constructor(private readonly channel: Channel) {}

  attach(exec: number): void {
    this.exec = exec
  }

  /** A whole input, as room allows, then its end. False: refused by the connection. */
  all(bytes: Uint8Array): boolean {
    this.rest = bytes
    this.ending = true
    return this.pump()
  }

  /** A part of an interactive input; empty ends it. False: refused, because too much is waiting to be read. */
  part(bytes: Uint8Array): boolean {
    if (this.ending || this.unacknowledged + bytes.length > CREDIT) return false
    this.rest = bytes
    this.ending = bytes.length === 0
    return this.pump()
  }

  /** So many bytes have left the spawner's buffer. */
  room(bytes: number): boolean {
    this.unacknowledged -= bytes
    return this.pump()
  }

  private pump(): boolean {
    while (this.rest.length > 0 && this.unacknowledged < CREDIT) {
      const bytes = this.rest.subarray(0, Math.min(PIECE, CREDIT - this.unacknowledged))
      if (!this.send(bytes)) return false
      this.rest = this.rest.subarray(bytes.length)
      this.unacknowledged += bytes.length
    }
    if (this.rest.length > 0 || !this.ending || this.ended) return true
    this.ended = true
    return this.send(this.rest)
  }

  private send(bytes: Uint8Array): boolean {
    return this.channel.send({ _tag: "Stdin", exec: this.exec, bytes })
  }
}
