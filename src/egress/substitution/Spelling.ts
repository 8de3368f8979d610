/** One character as text formats write it otherwise: percent-encoded, behind a backslash, or as an entity of HTML. */

/** No spelling is longer: `&#` with seven digits and `;`, or one more with `x`. */
const DIGITS = 7
/** It may be one, once there is more of the text. */
export const UNCERTAIN = -1
/** It is none. */
export const NONE = 0

const PERCENT = 0x25
const AMPERSAND = 0x26
const BACKSLASH = 0x5c
const HASH = 0x23
const SEMICOLON = 0x3b
const [U, X] = [0x75, 0x78]

const names: ReadonlyArray<readonly [name: Buffer, char: number]> = (
  [
    ["amp;", "&"],
    ["lt;", "<"],
    ["gt;", ">"],
    ["quot;", '"'],
    ["apos;", "'"]
  ] as const
).map(([name, char]) => [Buffer.from(name), char.charCodeAt(0)])

const digitOf = (byte: number): number => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : UNCERTAIN
}

/** A spelling's length and its character, in one number: this is asked for each mark in an answer. */
const found = (length: number, char: number): number => (char < 0x80 ? (length << 7) | char : NONE)
export const lengthOf = (spelling: number): number => spelling >> 7
export const charOf = (spelling: number): number => spelling & 0x7f

/** `count` hex digits, all there are. */
const hex = (text: Buffer, at: number, before: number, count: number): number => {
  let value = 0
  for (let n = before; n < before + count; n++) {
    const byte = text[at + n]
    if (byte === undefined) return UNCERTAIN
    const digit = digitOf(byte)
    if (digit < 0) return NONE
    value = value * 16 + digit
  }
  return found(before + count, value)
}

/** `\u002f` and `\x2f`; any mark stands for itself. */
const escape = (text: Buffer, at: number): number => {
  const byte = text[at + 1]
  if (byte === undefined) return UNCERTAIN
  if (byte === U) return hex(text, at, 2, 4)
  if (byte === X) return hex(text, at, 2, 2)
  const letter = byte | 0x20
  const isWord = (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a)
  return byte < 0x20 || isWord ? NONE : found(2, byte)
}

const number = (text: Buffer, at: number): number => {
  const isHex = ((text[at + 2] ?? 0) | 0x20) === X
  const [base, first] = isHex ? [16, at + 3] : [10, at + 2]
  let value = 0
  for (let n = first; n <= first + DIGITS; n++) {
    const byte = text[n]
    if (byte === undefined) return UNCERTAIN
    if (byte === SEMICOLON) return n > first ? found(n + 1 - at, value) : NONE
    const digit = digitOf(byte)
    if (digit < 0 || digit >= base) return NONE
    value = value * base + digit
  }
  return NONE
}

const entity = (text: Buffer, at: number): number => {
  if (text[at + 1] === HASH) return number(text, at)
  const begun = text.subarray(at + 1, at + 6)
  for (const [name, char] of names) {
    const length = Math.min(name.length, begun.length)
    if (begun.compare(name, 0, length, 0, length) !== 0) continue
    return length < name.length ? UNCERTAIN : found(1 + name.length, char)
  }
  return NONE
}

/** What begins there. */
export const at = (text: Buffer, position: number): number => {
  const byte = text[position]
  if (byte === PERCENT) return hex(text, position, 1, 2)
  if (byte === BACKSLASH) return escape(text, position)
  return byte === AMPERSAND ? entity(text, position) : NONE
}

/** The bytes that any spelling begins with. */
export const MARKS = [PERCENT, AMPERSAND, BACKSLASH] as const

/** The two bytes that any spelling of the character begins with. */
export const beginnings = (char: number): ReadonlyArray<readonly [mark: number, after: number]> => [
  ...[...Buffer.from(char.toString(16).toLowerCase() + char.toString(16).toUpperCase())].map(
    (digit) => [PERCENT, digit] as const
  ),
  [BACKSLASH, U],
  [BACKSLASH, X],
  [BACKSLASH, char],
  [AMPERSAND, HASH],
  ...names.flatMap(([name, one]) => (one === char ? [[AMPERSAND, name[0] ?? 0] as const] : []))
]
