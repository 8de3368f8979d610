/** Reads along as a tar goes by: how long it is, how much is in it, and whether there is something that no layer may hold. */
import type { Unfit } from "./Layers.js"
import { OVERLONG, TarEntries, type TarEntry } from "./TarEntries.js"
import * as TarNames from "./TarNames.js"

export interface Bounds {
  readonly bytes: number
  readonly files: number
  /** Without it names may be of any length. */
  readonly unpacked?: TarNames.Unpacked
}

interface Objection {
  readonly why: Unfit
  readonly message: string
}

/** Plain, hard link, symbolic link, directory, fifo. */
const kept = ["\0", "0", "1", "2", "5", "6"]

const named: Readonly<Record<string, string>> = { "3": "a character device", "4": "a block device" }

const unfit = (message: string): Objection => ({ why: "unfit", message })

const overlong = unfit("A file in it has more attributes than are kept.")

export class TarMeter {
  bytes = 0
  files = 0
  private readonly entries = new TarEntries((entry) => this.judge(entry))

  constructor(private readonly bounds: Bounds) {}

  /** It came to its own end: what breaks off before that is no archive. */
  get whole(): boolean {
    return this.entries.whole
  }

  /** Undefined: nothing to object to so far. */
  feed(chunk: Buffer): Objection | undefined {
    this.bytes += chunk.length
    if (this.bytes > this.bounds.bytes)
      return { why: "too-large", message: `It has more than ${this.bounds.bytes} bytes, the most that is kept.` }
    const found = this.entries.feed(chunk)
    return found === OVERLONG ? overlong : found
  }

  private judge(entry: TarEntry): Objection | undefined {
    const { files, unpacked } = this.bounds
    if (!kept.includes(entry.type))
      return unfit(`It holds ${named[entry.type] ?? "something of an unknown kind"}, which is not kept.`)
    const name = unpacked === undefined ? undefined : TarNames.tooLong(entry, unpacked)
    if (name !== undefined)
      return unfit(
        `It holds a name that is too long: ${TarNames.shown(name)}, ${name.length} bytes with its directories, could not be put back.`
      )
    this.files += 1
    return this.files <= files
      ? undefined
      : { why: "too-large", message: `It has more than ${files} files, the most that are kept.` }
  }
}
