/** A request as it leaves: placeholders replaced by what they stand for, each in the form that its place wants. */
import { isUtf8 } from "node:buffer"
import { type Form, ofType, written } from "./Forms.js"
import type { Swap } from "./Going.js"

const BASIC = /^(Basic[ ]+)([A-Za-z0-9+/]+={0,2})$/i

export class Rewriting {
  /** Those that were put in. */
  readonly used = new Set<Swap>()
  /** What the container wrote, by what was sent in its place, beyond the values themselves. */
  readonly sent = new Map<string, string>()
  private readonly pattern: RegExp
  private readonly swaps: ReadonlyMap<string, Swap>

  constructor(swaps: ReadonlyArray<Swap>) {
    this.swaps = new Map(swaps.map((swap) => [swap.placeholder, swap]))
    // Letters, digits and hyphens: nothing in them means anything in a pattern.
    this.pattern = new RegExp([...this.swaps.keys()].join("|"), "g")
  }

  /** One pass: what a value contains is never taken for a placeholder. */
  text(given: string, form: Form): string {
    return given.replace(this.pattern, (placeholder) => {
      const swap = this.swaps.get(placeholder)
      if (swap === undefined) return placeholder
      this.used.add(swap)
      return written(swap.value, form)
    })
  }

  target(path: string): string {
    return this.text(path, "url")
  }

  header(value: string): string {
    const [, scheme = "", credentials = ""] = BASIC.exec(value) ?? []
    if (credentials === "") return this.text(value, "plain")
    const given = Buffer.from(credentials, "base64").toString("latin1")
    const become = this.text(given, "plain")
    if (become === given) return value
    const encoded = Buffer.from(become, "latin1").toString("base64")
    this.sent.set(encoded, credentials)
    return scheme + encoded
  }

  /** Text only: what is compressed or binary stays as it is. */
  body(given: Buffer, type: string | undefined, encoding: string | undefined): Buffer {
    if ((encoding !== undefined && encoding.toLowerCase() !== "identity") || !isUtf8(given)) return given
    const text = given.toString("latin1")
    const become = this.text(text, ofType(type))
    return become === text ? given : Buffer.from(become, "latin1")
  }
}
