/** Writes little-endian fields into a bump arena. */

const ARENA = 64 * 1024

/** Frames are appended; `take` hands out what is there. Memory that was handed out is never written again. */
export class Writer {
  private slab = Buffer.allocUnsafeSlow(ARENA)
  private taken = 0
  private at = 0

  get size(): number {
    return this.at - this.taken
  }

  take(): Buffer {
    const bytes = this.slab.subarray(this.taken, this.at)
    this.taken = this.at
    return bytes
  }

  /** Room for `bytes` more in one piece, keeping what was not taken yet. */
  reserve(bytes: number): void {
    if (this.at + bytes <= this.slab.length) return
    const kept = this.take()
    this.slab = Buffer.allocUnsafeSlow(Math.max(ARENA, kept.length + bytes))
    this.at = kept.copy(this.slab)
    this.taken = 0
  }

  u8(value: number): void {
    this.slab[this.at++] = value
  }

  u16(value: number): void {
    this.at = this.slab.writeUInt16LE(value, this.at)
  }

  u32(value: number): void {
    this.at = this.slab.writeUInt32LE(value, this.at)
  }

  u64(value: number): void {
    this.u32(value % 2 ** 32)
    this.u32(Math.floor(value / 2 ** 32))
  }

  str(value: string): void {
    const written = this.slab.write(value, this.at + 4)
    this.slab.writeUInt32LE(written, this.at)
    this.at += 4 + written
  }

  list(values: ReadonlyArray<string>): void {
    this.u32(values.length)
    for (const value of values) this.str(value)
  }

  bytes(value: Uint8Array): void {
    this.slab.set(value, this.at)
    this.at += value.length
  }

  /** A place for a u32 that is known later. */
  hole(): number {
    this.at += 4
    return this.at
  }

  /** Forgets the hole and what was written since. */
  rewind(hole: number): void {
    this.at = hole - 4
  }

  /** Fills the hole with the number of bytes since it. */
  fill(hole: number, more = 0): void {
    this.slab.writeUInt32LE(this.at - hole + more, hole - 4)
  }
}

/** At most 3 bytes a UTF-16 unit: an upper bound without a look at the characters. */
export const room = (value: string): number => 4 + 3 * value.length
export const roomOf = (values: ReadonlyArray<string>): number => values.reduce((sum, value) => sum + room(value), 4)
