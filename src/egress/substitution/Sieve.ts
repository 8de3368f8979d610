/** Bytes that pass with the words in them replaced, also where pieces part them. */
import { Readings } from "./Readings.js"
import type { Words } from "./Words.js"

interface Piece {
  readonly start: number
  /** Of the word alone, and of the words with it that overlap it: they go too, and are not told. */
  readonly whole: number
  end: number
  readonly instead: Buffer
}

export class Sieve {
  /** In their order; their ends never go back. */
  private readonly pieces: Array<Piece> = []
  private readonly readings: Readings
  /** From `offset` of the whole on: what may yet be a part of something. */
  private held: Buffer = Buffer.alloc(0)
  private offset = 0

  constructor(words: Words) {
    this.readings = new Readings(words, (start, end, instead) => this.find(start, end, instead))
  }

  /** What of it is certain. */
  pass(more: Buffer, last: boolean): Buffer {
    const text = this.held.length === 0 ? more : Buffer.concat([this.held, more])
    this.readings.read(text, this.offset, last)
    const settled = last ? this.offset + text.length : this.readings.settled
    const out = this.settle(text, settled)
    this.held = text.subarray(settled - this.offset)
    this.offset = settled
    return out.length === 1 ? (out[0] ?? text) : Buffer.concat(out)
  }

  private find(start: number, end: number, instead: Buffer): void {
    let before = this.pieces.at(-1)
    // The longer one is the one that is meant.
    while (before !== undefined && before.start >= start) {
      this.pieces.pop()
      before = this.pieces.at(-1)
    }
    if (before !== undefined && start < before.whole) {
      before.end = end
      return
    }
    if (before !== undefined) before.end = Math.min(before.end, start)
    this.pieces.push({ start, whole: end, end, instead })
  }

  private settle(text: Buffer, settled: number): ReadonlyArray<Buffer> {
    const out: Array<Buffer> = []
    let from = this.offset
    const upTo = (to: number) => {
      if (to > from) out.push(text.subarray(from - this.offset, to - this.offset))
      from = Math.max(from, to)
    }
    let done = 0
    for (const { end, instead, start } of this.pieces) {
      if (end > settled) break
      upTo(start)
      out.push(instead)
      from = end
      done++
    }
    this.pieces.splice(0, done)
    // Of what has begun to be replaced nothing is kept.
    upTo(Math.min(settled, this.pieces[0]?.start ?? settled))
    return out
  }
}
