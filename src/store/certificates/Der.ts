/** The distinguished encoding of ASN.1: as much of it as a certificate is made of. */

const lengthOf = (bytes: number): Buffer => {
  if (bytes < 0x80) return Buffer.of(bytes)
  const digits = bytes.toString(16)
  const long = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex")
  return Buffer.concat([Buffer.of(0x80 | long.length), long])
}

export const tagged = (tag: number, ...content: ReadonlyArray<Uint8Array>): Buffer => {
  const inner = Buffer.concat(content)
  return Buffer.concat([Buffer.of(tag), lengthOf(inner.length), inner])
}

export const sequence = (...content: ReadonlyArray<Uint8Array>): Buffer => tagged(0x30, ...content)
export const set = (...content: ReadonlyArray<Uint8Array>): Buffer => tagged(0x31, ...content)
export const octets = (content: Uint8Array): Buffer => tagged(0x04, content)
export const text = (content: string): Buffer => tagged(0x0c, Buffer.from(content))
export const yes: Buffer = tagged(0x01, Buffer.of(0xff))

/** Not negative, and as short as it can be: its first byte is neither zero nor above 0x7f. */
export const integer = (bytes: Uint8Array): Buffer => tagged(0x02, bytes)

export const bits = (content: Uint8Array, unused = 0): Buffer => tagged(0x03, Buffer.of(unused), content)

/** What it wraps in the numbered place of a structure. */
export const at = (place: number, content: Uint8Array): Buffer => tagged(0xa0 | place, content)

const septets = (arc: number): ReadonlyArray<number> =>
  arc < 0x80 ? [arc] : [...septets(Math.floor(arc / 0x80)).map((one) => one | 0x80), arc % 0x80]

/** Of dotted numbers. */
export const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number)
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(septets)]))
}

/** Of a whole second; until 2049 with a year of two digits, as RFC 5280 wants it. */
export const time = (millis: number): Buffer => {
  const digits = `${new Date(millis).toISOString().slice(0, 19).replace(/[-:T]/g, "")}Z`
  return digits < "2050" ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits))
}
