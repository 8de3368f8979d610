/** The envelope of the control protocol (length, type, container), and the incremental, bounded splitter of a byte stream into frames. */
import { Malformed, Reader } from "./Reader.js"
import type { Writer } from "./Writer.js"

export const PROTOCOL = 2
/** Of the length field: what follows it. */
export const MAX_FRAME = 1024 * 1024 + 64
const HEAD = 5

/** Writes one frame; `room` is an upper bound of its payload, `tail` the number of bytes that the caller sends after it. */
export const frame = (
  writer: Writer,
  type: number,
  container: number,
  room: number,
  payload: (writer: Writer) => void,
  tail = 0
): void => {
  writer.reserve(4 + HEAD + room)
  const length = writer.hole()
  try {
    writer.u8(type)
    writer.u32(container)
    payload(writer)
    writer.fill(length, tail)
  } catch (cause) {
    // A number out of range: half a frame must never reach the spawner.
    writer.rewind(length)
    throw cause
  }
}

const checked = (length: number): number => {
  if (length < HEAD || length > MAX_FRAME) throw new Malformed(`frame of ${length} bytes`)
  return length
}

/** `push` calls `each` once a whole frame; it keeps at most one unfinished frame. Throws Malformed, and is not to be used after that. */
export class Splitter {
  private pieces: Array<Buffer> = []
  private have = 0
  private need = 4

  constructor(private readonly each: (type: number, container: number, payload: Reader) => void) {}

  push(chunk: Buffer): void {
    if (this.have + chunk.length < this.need) this.keep(chunk)
    else this.split(this.have === 0 ? chunk : this.join(chunk))
  }

  private join(chunk: Buffer): Buffer {
    const whole = Buffer.concat([...this.pieces, chunk], this.have + chunk.length)
    this.pieces = []
    this.have = 0
    return whole
  }

  private split(chunk: Buffer): void {
    let at = 0
    this.need = 4
    while (chunk.length - at >= 4) {
      const length = checked(chunk.readUInt32LE(at))
      const end = at + 4 + length
      if (end > chunk.length) {
        this.need = 4 + length
        break
      }
      const payload = new Reader(chunk, at + 4, end)
      this.each(payload.u8(), payload.u32(), payload)
      payload.done()
      at = end
    }
    if (at < chunk.length) this.keep(chunk.subarray(at))
  }

  /** A view would pin the whole chunk that the socket allocated for a few bytes. */
  private keep(piece: Buffer): void {
    this.pieces.push(Buffer.from(piece))
    this.have += piece.length
  }
}
