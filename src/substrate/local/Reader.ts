/** Reads the little-endian fields of one frame, each checked against its end. */
import { isUtf8 } from "node:buffer"

/** Bytes from the other side that are no frame of this protocol; the connection ends on it. */
export class Malformed extends Error {
  override readonly name = "Malformed"
}

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

  nth<A>(of: ReadonlyArray<A>, index: number, what: string): A {
    const found = of[index]
    if (found === undefined) throw new Malformed(`${what} ${index}`)
    return found
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
