/** Texts that several keys of one answer repeat: written once each, and sent wherever they are named. */
import { randomBytes } from "node:crypto"

/** Up to here copies cost less than care. */
const small = 8 * 1024
/** A multiple of three bytes is encoded without a rest. */
const stride = 48 * 1024

export interface Large {
  /** The text, or a word that stands for it in this answer. */
  readonly text: (text: string) => string
  readonly base64: (bytes: Uint8Array) => string
  /** The value as JSON; in pieces where words stand for texts, and no piece is a copy of another. */
  readonly assemble: (value: object) => string | ReadonlyArray<Buffer>
}

/** `"…"`, encoded without ever holding it as a string. */
const encoded = (bytes: Uint8Array): Buffer => {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const quoted = Buffer.allocUnsafeSlow(4 * Math.ceil(source.length / 3) + 2)
  let at = quoted.write('"', "latin1")
  for (let from = 0; from < source.length; from += stride)
    at += quoted.write(source.toString("base64", from, Math.min(from + stride, source.length)), at, "latin1")
  quoted.write('"', at, "latin1")
  return quoted
}

export const make = (): Large => {
  const texts: Array<Buffer> = []
  // Made when the program has ended and known to nobody: what it wrote cannot hold one of these words.
  let secret = ""

  const word = (text: Buffer): string => {
    if (secret === "") secret = randomBytes(16).toString("hex")
    return `${secret}${texts.push(text) - 1}`
  }

  const pieces = (json: string): ReadonlyArray<Buffer> => {
    const [head = "", ...rest] = json.split(`"${secret}`)
    const tails = rest.flatMap((part) => {
      const end = part.indexOf('"')
      return [texts[Number(part.slice(0, end))] ?? Buffer.alloc(0), Buffer.from(part.slice(end + 1))]
    })
    return [Buffer.from(head), ...tails]
  }

  return {
    text: (text) => (text.length <= small ? text : word(Buffer.from(JSON.stringify(text)))),
    base64: (bytes) =>
      bytes.length <= small
        ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")
        : word(encoded(bytes)),
    assemble: (value) => {
      const json = JSON.stringify(value)
      return texts.length === 0 ? json : pieces(json)
    }
  }
}
