/** Little-endian fields of a frame: a writer over a bump arena and a bounds-checked reader. */
import { isUtf8 } from "node:buffer"

/** Bytes from the other side that are no frame of this protocol; the connection ends on it. */
export class Malformed extends Error {
  override readonly name = "Malformed"
}

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

/** Reads one frame; every field is checked against its end. */
export class Reader {
  constructor(
    private readonly from: Buffer,
    private at: number,
    private readonly end: number
  ) {}

  private advance(bytes: number): number {
    const at = this.at
    if (at + bytes > this.end) throw new Malformed("short payload")
    this.at = at + bytes
    return at
  }

  u8(): number {
    return this.from.readUInt8(this.advance(1))
  }

  u16(): number {
    return this.from.readUInt16LE(this.advance(2))
  }

  u32(): number {
    return this.from.readUInt32LE(this.advance(4))
  }

  u64(): number {
    const value = this.u32() + this.u32() * 2 ** 32
    if (!Number.isSafeInteger(value)) throw new Malformed("a number above 2^53")
    return value
  }

  /** Bytes behind their length. */
  piece(): Buffer {
    const length = this.u32()
    const at = this.advance(length)
    return this.from.subarray(at, at + length)
  }

  str(): string {
    const bytes = this.piece()
    if (!isUtf8(bytes) || bytes.includes(0)) throw new Malformed("a string that is not UTF-8 text")
    return bytes.toString()
  }

  /** Words for people: whatever is no UTF-8 in them is replaced. */
  text(): string {
    return this.piece().toString()
  }

  /** How many follow, of at least `size` bytes each: refused before anything of that number is made. */
  count(size: number): number {
    const count = this.u32()
    if (count * size > this.end - this.at) throw new Malformed("short list")
    return count
  }

  list(): ReadonlyArray<string> {
    return Array.from({ length: this.count(4) }, () => this.str())
  }

  flag(): boolean {
    const value = this.u8()
    if (value > 1) throw new Malformed("a flag that is neither 0 nor 1")
    return value === 1
  }

  bits(known: number): number {
    const value = this.u8()
    if ((value & ~known) !== 0) throw new Malformed("an unknown flag")
    return value
  }

  /** Everything up to the end of the frame: a view, valid as long as the chunk that it came in. */
  rest(): Buffer {
    const bytes = this.from.subarray(this.at, this.end)
    this.at = this.end
    return bytes
  }

  done(): void {
    if (this.at !== this.end) throw new Malformed("trailing bytes")
  }
}
