/** The read-back of a container: `key=value` a line. */
import type { Seal } from "../Substrate.js"
import { Malformed } from "./Reader.js"

export const parse = (text: string): Seal => {
  const seal = new Map<string, string>()
  for (const line of text.split("\n")) {
    if (line === "") continue
    const at = line.indexOf("=")
    const key = line.slice(0, at)
    // A key twice would let one reading hide another.
    if (at < 1 || seal.has(key)) throw new Malformed(`a seal with the line ${JSON.stringify(line)}`)
    seal.set(key, line.slice(at + 1))
  }
  return seal
}
