/** The hash chain: what a row's hash covers, and whether a row follows the one before it. Pure. */
import * as crypto from "node:crypto"

/** A row as it is stored: `data` is its canonical text. */
export interface Entry {
  readonly seq: number
  readonly stream: string
  readonly version: number
  readonly type: string
  readonly schema: number
  readonly at: number
  readonly by: string
  readonly cause: string | null
  readonly trace: string | null
  readonly data: string
}

export interface Sealed extends Entry {
  readonly prev: string
  readonly hash: string
  readonly seal: string
}

/** The place in the chain that the next row must follow. */
export interface Link {
  readonly seq: number
  readonly hash: string
  readonly at: number
}

export const genesis: Link = { seq: 0, hash: "0".repeat(64), at: 0 }

// One-shot hashing measured 0.56 µs for a row, createHash 1.00 µs; it is there since Node 20.12.
const sha256: (text: string) => string =
  crypto.hash === undefined
    ? (text) => crypto.createHash("sha256").update(text).digest("hex")
    : (text) => crypto.hash("sha256", text, "hex")

/** Each element delimits itself and `data` comes last, so no two entries share an encoding. */
const encodeEntry = (entry: Entry): string =>
  `[${entry.seq},${JSON.stringify(entry.stream)},${entry.version},${JSON.stringify(entry.type)},${entry.schema},` +
  `${entry.at},${JSON.stringify(entry.by)},${JSON.stringify(entry.cause)},${JSON.stringify(entry.trace)},${entry.data}]`

export const hashOf = (prev: string, entry: Entry): string => sha256(prev + encodeEntry(entry))

/**
 * A keyed mark on every row. The chain alone tells an edit from the rest of the log, but whoever rehashes the rest
 * makes a chain that fits; without the key they cannot make the marks, so the very first forged row is named.
 */
export const sealOf = (key: crypto.KeyObject, hash: string): string =>
  crypto.createHmac("sha256", key).update(hash).digest("hex").slice(0, 32)

/** Why `row` cannot follow `link`; undefined when it does. */
export const broken = (link: Link, row: Sealed, key: crypto.KeyObject): string | undefined => {
  if (row.seq !== link.seq + 1) return "rows are missing here"
  if (row.prev !== link.hash) return "it does not follow the row before it"
  if (row.hash !== hashOf(row.prev, row)) return "its content does not match its hash"
  if (row.seal !== sealOf(key, row.hash)) return "it was not written by this log's owner"
  return row.at < link.at ? "its time is before that of the row before it" : undefined
}
