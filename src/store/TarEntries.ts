/** Walks along a tar as it goes by in pieces: the head of each entry, with what the attributes before it say; contents are passed over. */

export interface TarEntry {
  readonly type: string
  /** Only when the header itself has no room for it, which is all that is longer than 256 bytes. */
  readonly name?: Buffer
  /** The same, of what a link leads to. */
  readonly target?: Buffer
  /** It has attributes of its file system. */
  readonly attributed: boolean
}

/** The attributes of an entry are more than are read. */
export const OVERLONG = "overlong"

const BLOCK = 512
/** A header of attributes; names are at most some KiB, attributes 64 KiB each and few. */
const mostExtended = 8 * 1024 * 1024
const fields = { size: [124, 136], type: 156 } as const
const extended = ["x", "g"]

const sizeOf = (header: Buffer): number => {
  const field = header.subarray(...fields.size)
  // Beyond 8 GiB a size is binary.
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(4))
  return Number.parseInt(field.toString("latin1").replace(/[\0 ]+/g, ""), 8) || 0
}

interface Attributes {
  readonly size?: number
  readonly name?: Buffer
  readonly target?: Buffer
  readonly attributed: boolean
}

const nothing: Attributes = { attributed: false }

/** Of a pax header: `LENGTH KEY=VALUE\n`, one after the other. */
const records = function* (header: Buffer): Generator<readonly [key: string, value: Buffer]> {
  for (let at = 0; at < header.length; ) {
    const space = header.indexOf(0x20, at)
    const length = Number.parseInt(header.toString("latin1", at, space), 10)
    const equals = header.indexOf(0x3d, space)
    if (space < 0 || equals < 0 || !(length > 0)) return
    yield [header.toString("latin1", space + 1, equals), header.subarray(equals + 1, at + length - 1)]
    at += length
  }
}

const attributesOf = (header: Buffer): Attributes => {
  const found = new Map(records(header))
  const [size, target] = [found.get("size"), found.get("linkpath")]
  // Of a file with holes the path is one that tar made up.
  const name = found.get("GNU.sparse.name") ?? found.get("path")
  return {
    ...(size === undefined ? {} : { size: Number.parseInt(size.toString("latin1"), 10) }),
    ...(name === undefined ? {} : { name }),
    ...(target === undefined ? {} : { target }),
    attributed: [...found.keys()].some((key) => key.startsWith("SCHILY.xattr."))
  }
}

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK

export class TarEntries<A> {
  /** Of the present entry's content, with its padding. */
  private skipping = 0
  private header: Buffer = Buffer.alloc(0)
  private collecting: { readonly size: number; readonly chunks: Array<Buffer> } | undefined
  private next = nothing
  private ended = false

  /** What `each` makes of an entry ends the walk. */
  constructor(private readonly each: (entry: TarEntry) => A | undefined) {}

  /** It came to its own end: what breaks off before that is no archive. */
  get whole(): boolean {
    return this.ended && this.skipping === 0 && this.header.length === 0
  }

  /** Undefined: the walk goes on. */
  feed(chunk: Buffer): A | typeof OVERLONG | undefined {
    for (let at = 0; at < chunk.length; ) {
      const step = this.skipping > 0 ? this.skip(chunk, at) : this.read(chunk, at)
      if (typeof step !== "number") return step.found
      at += step
    }
    return undefined
  }

  private skip(chunk: Buffer, at: number): number {
    const part = chunk.subarray(at, at + this.skipping)
    this.skipping -= part.length
    this.collecting?.chunks.push(part)
    if (this.skipping === 0 && this.collecting !== undefined) {
      this.next = attributesOf(Buffer.concat(this.collecting.chunks).subarray(0, this.collecting.size))
      this.collecting = undefined
    }
    return part.length
  }

  private read(chunk: Buffer, at: number): number | { readonly found: A | typeof OVERLONG } {
    const part = chunk.subarray(at, at + BLOCK - this.header.length)
    this.header = this.header.length === 0 ? part : Buffer.concat([this.header, part])
    if (this.header.length < BLOCK) return part.length
    const found = this.entry(this.header)
    this.header = Buffer.alloc(0)
    return found === undefined ? part.length : { found }
  }

  private entry(header: Buffer): A | typeof OVERLONG | undefined {
    // The blocks of zeros at the end.
    this.ended = header[0] === 0
    if (this.ended) return undefined
    const type = String.fromCharCode(header[fields.type] ?? 0)
    const { size = sizeOf(header), ...rest } = this.next
    this.next = nothing
    if (extended.includes(type)) return this.attributes(size)
    // Only plain files have content; a hard link's size is its target's.
    this.skipping = type === "0" || type === "\0" ? padded(size) : 0
    return this.each({ type, ...rest })
  }

  private attributes(size: number): typeof OVERLONG | undefined {
    this.skipping = padded(size)
    if (size > mostExtended) return OVERLONG
    if (size > 0) this.collecting = { size, chunks: [] }
    return undefined
  }
}
