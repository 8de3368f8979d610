/** Bytes that arrive in pieces, kept in one buffer that grows by doubling. */
export class Accumulator {
  private buffer: Buffer
  length: number

  /** Copies: pieces are views of what the socket read. */
  constructor(first: Buffer) {
    this.buffer = Buffer.from(first)
    this.length = first.length
  }

  append(piece: Buffer): void {
    const length = this.length + piece.length
    if (length > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.buffer.length))
      this.buffer.copy(grown, 0, 0, this.length)
      this.buffer = grown
    }
    piece.copy(this.buffer, this.length)
    this.length = length
  }

  /** What is kept, as a view; nothing may be appended after it. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length)
  }
}
