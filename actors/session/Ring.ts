/** The last bytes that a terminal has shown, by their offset since it began; grows up to its bound, then forgets the oldest. */

const LEAST = 4 * 1024

export class Ring {
  private bytes = new Uint8Array(LEAST)
  /** Offset after the last byte. */
  end = 0
  /** Offset of the oldest byte that is kept. */
  start = 0

  constructor(private readonly bound: number) {}

  push(piece: Uint8Array): void {
    const kept = piece.subarray(Math.max(0, piece.length - this.bound))
    this.grow(this.end - this.start + kept.length)
    this.end += piece.length - kept.length
    const at = this.end % this.bytes.length
    const first = Math.min(kept.length, this.bytes.length - at)
    this.bytes.set(kept.subarray(0, first), at)
    this.bytes.set(kept.subarray(first), 0)
    this.end += kept.length
    this.start = Math.max(this.start, this.end - this.bytes.length)
  }

  /** A copy of what is there from `offset` on, at most `most` bytes; `offset` is not before `start`. */
  read(offset: number, most: number): Uint8Array {
    const count = Math.min(most, this.end - offset)
    const copy = new Uint8Array(count)
    const at = offset % this.bytes.length
    const first = Math.min(count, this.bytes.length - at)
    copy.set(this.bytes.subarray(at, at + first), 0)
    copy.set(this.bytes.subarray(0, count - first), first)
    return copy
  }

  private grow(wanted: number): void {
    let size = this.bytes.length
    while (size < wanted && size < this.bound) size = Math.min(this.bound, size * 2)
    if (size === this.bytes.length) return
    const { end, start } = this
    const kept = this.read(start, end - start)
    this.bytes = new Uint8Array(size)
    const at = start % size
    const first = Math.min(kept.length, size - at)
    this.bytes.set(kept.subarray(0, first), at)
    this.bytes.set(kept.subarray(first), 0)
  }
}
