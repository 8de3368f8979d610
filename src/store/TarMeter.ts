/** Reads along as a tar goes by: how long it is, how much is in it, and whether there is something that no layer may hold. */
import type { Unfit } from "./Layers.js"

export interface Bounds {
  readonly bytes: number
  readonly files: number
}

interface Objection {
  readonly why: Unfit
  readonly message: string
}

const BLOCK = 512
/** A header of attributes; names are at most 4 KiB, attributes 64 KiB each and few. */
const mostExtended = 8 * 1024 * 1024
const fields = { size: [124, 136], type: 156 } as const

/** Plain, hard link, symbolic link, directory, fifo; and pax headers, which are no entries of their own. */
const entries = ["\0", "0", "1", "2", "5", "6"]
const extended = ["x", "g"]

const named: Readonly<Record<string, string>> = { "3": "a character device", "4": "a block device" }

const sizeOf = (header: Buffer): number => {
  const field = header.subarray(...fields.size)
  // Beyond 8 GiB a size is binary.
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(4))
  return Number.parseInt(field.toString("latin1").replace(/[\0 ]+/g, ""), 8) || 0
}

/** The `size` of a pax header: `LENGTH size=VALUE\n`. */
const paxSize = (records: Buffer): number | undefined => {
  for (let at = 0; at < records.length; ) {
    const space = records.indexOf(0x20, at)
    const length = Number.parseInt(records.toString("latin1", at, space), 10)
    if (space < 0 || !(length > 0)) return undefined
    const record = records.toString("latin1", space + 1, at + length - 1)
    if (record.startsWith("size=")) return Number.parseInt(record.slice("size=".length), 10)
    at += length
  }
  return undefined
}

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK

export class TarMeter {
  bytes = 0
  files = 0
  /** Of the present entry's content, with its padding. */
  private skipping = 0
  private header: Buffer = Buffer.alloc(0)
  private collecting: { readonly size: number; readonly chunks: Array<Buffer>; have: number } | undefined
  private nextSize: number | undefined
  private ended = false

  constructor(private readonly bounds: Bounds) {}

  /** It came to its own end: what breaks off before that is no archive. */
  get whole(): boolean {
    return this.ended && this.skipping === 0 && this.header.length === 0
  }

  /** Undefined: nothing to object to so far. */
  feed(chunk: Buffer): Objection | undefined {
    this.bytes += chunk.length
    if (this.bytes > this.bounds.bytes)
      return { why: "too-large", message: `It has more than ${this.bounds.bytes} bytes, the most that is kept.` }
    for (let at = 0; at < chunk.length; ) {
      const step = this.skipping > 0 ? this.skip(chunk, at) : this.read(chunk, at)
      if (typeof step !== "number") return step
      at += step
    }
    return undefined
  }

  private skip(chunk: Buffer, at: number): number {
    const taken = Math.min(this.skipping, chunk.length - at)
    this.skipping -= taken
    if (this.collecting !== undefined) this.collect(this.collecting, chunk.subarray(at, at + taken))
    return taken
  }

  private collect(into: NonNullable<TarMeter["collecting"]>, part: Buffer): void {
    into.chunks.push(part)
    into.have += part.length
    if (this.skipping > 0) return
    this.nextSize = paxSize(Buffer.concat(into.chunks).subarray(0, into.size))
    this.collecting = undefined
  }

  private read(chunk: Buffer, at: number): number | Objection {
    const part = chunk.subarray(at, at + BLOCK - this.header.length)
    this.header = this.header.length === 0 ? part : Buffer.concat([this.header, part])
    if (this.header.length < BLOCK) return part.length
    const objection = this.entry(this.header)
    this.header = Buffer.alloc(0)
    return objection ?? part.length
  }

  private entry(header: Buffer): Objection | undefined {
    const type = String.fromCharCode(header[fields.type] ?? 0)
    // The blocks of zeros at the end.
    this.ended = header[0] === 0
    if (this.ended) return undefined
    const size = this.nextSize ?? sizeOf(header)
    this.nextSize = undefined
    if (extended.includes(type)) return this.attributes(size)
    if (!entries.includes(type))
      return { why: "unfit", message: `It holds ${named[type] ?? "something of an unknown kind"}, which is not kept.` }
    this.files += 1
    // Only plain files have content; a hard link's size is its target's.
    this.skipping = type === "0" || type === "\0" ? padded(size) : 0
    if (this.files <= this.bounds.files) return undefined
    return { why: "too-large", message: `It has more than ${this.bounds.files} files, the most that are kept.` }
  }

  private attributes(size: number): Objection | undefined {
    if (size > mostExtended) return { why: "unfit", message: "A file in it has more attributes than are kept." }
    this.skipping = padded(size)
    this.collecting = { size, chunks: [], have: 0 }
    return undefined
  }
}
