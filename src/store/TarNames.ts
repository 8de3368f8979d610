/** Names that tar packs and nobody unpacks: it walks a tree by handles, however deep that is, and puts it back by paths. */
import { TarEntries, type TarEntry } from "./TarEntries.js"
import type { Chunks } from "./TarStream.js"

/** In bytes: what Linux takes as a path, below the directory that it is unpacked in. */
const LONGEST = 4_095
/** tar sets attributes by way of this, and goes on without them where that is too long. */
const LONGEST_ATTRIBUTED = LONGEST - "/proc/self/fd/3/".length
const HARD_LINK = "1"
/** Of either end. */
const SHOWN = 40
const SLASH = 0x2f

/** How long a name is once it is unpacked. */
export type Unpacked = (name: Buffer) => number

const asItIs: Unpacked = ({ length }) => length

/** A directory's ends with a slash, which is not given to the system. */
const trimmed = (name: Buffer | undefined): Buffer | undefined => (name?.at(-1) === SLASH ? name.subarray(0, -1) : name)

/** The name that is the reason why this cannot be put back as it is. */
export const tooLong = (
  { attributed, name, target, type }: TarEntry,
  unpacked: Unpacked = asItIs
): Buffer | undefined => {
  const beyond = (one: Buffer | undefined, most: number) => (one && unpacked(one) > most ? one : undefined)
  const found = beyond(trimmed(name), attributed ? LONGEST_ATTRIBUTED : LONGEST)
  // What a symbolic link leads to is text, which no link had that the system would not make.
  return found ?? (type === HARD_LINK ? beyond(target, LONGEST) : undefined)
}

/** A name is bytes, and a tenant's: what is not printed as it is, and what would pass for that, is told by its number. */
const printed = (bytes: Buffer): string =>
  bytes.toString("latin1").replace(/[^ !#-[\]-~]/g, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`)

export const shown = (name: Buffer): string =>
  name.length <= 2 * SHOWN
    ? `"${printed(name)}"`
    : `"${printed(name.subarray(0, SHOWN))}…${printed(name.subarray(-SHOWN))}"`

/** Passes a tar on; `found` is to be asked at the end: whether there is such a name in it. */
export const watching = () => {
  let found = false
  const entries = new TarEntries((entry) => tooLong(entry))
  const through = async function* (source: AsyncIterable<Uint8Array>): Chunks {
    for await (const chunk of source) {
      if (!found) found = entries.feed(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)) instanceof Buffer
      yield chunk
    }
  }
  return { through, found: () => found }
}
