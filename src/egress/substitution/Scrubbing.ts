/** An answer as it comes back: values that the host repeats are placeholders again, also where pieces part them. */
import { Transform, type TransformCallback } from "node:stream"
import * as Forms from "./Forms.js"
import type { Swap } from "./Going.js"

const quoted = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&")

export class Scrubbing {
  private readonly instead: ReadonlyMap<string, string>
  private readonly pattern: RegExp
  private readonly firsts: ReadonlySet<string>
  private readonly longest: number

  /** `sent`: what the container wrote, by what was sent for it. */
  constructor(swaps: ReadonlyArray<Swap>, sent: ReadonlyMap<string, string>) {
    const values = swaps.flatMap(({ placeholder, value }) =>
      Forms.all(value).map((form) => [form, placeholder] as const)
    )
    this.instead = new Map([...values, ...sent])
    // The longer of two that begin alike is the one that is meant.
    const found = [...this.instead.keys()].sort((one, other) => other.length - one.length)
    this.pattern = new RegExp(found.map(quoted).join("|"), "g")
    this.firsts = new Set(found.map((one) => one.slice(0, 1)))
    this.longest = Math.max(...found.map(({ length }) => length))
  }

  /** Whatever the case: of what is read without regard to it. */
  isIn(name: string): boolean {
    const given = name.toLowerCase()
    return [...this.instead.keys()].some((one) => given.includes(one.toLowerCase()))
  }

  text(given: string): string {
    return given.replace(this.pattern, (found) => this.instead.get(found) ?? "")
  }

  /** Where something begins that may be the first part of a value; the length when there is nothing of that kind. */
  private beginning(text: string): number {
    for (let at = Math.max(0, text.length - this.longest + 1); at < text.length; at++) {
      if (!this.firsts.has(text[at] ?? "")) continue
      const rest = text.slice(at)
      for (const one of this.instead.keys()) if (one.length > rest.length && one.startsWith(rest)) return at
    }
    return text.length
  }

  /** What of it is certain, and what must wait for more. */
  split(text: string): readonly [string, string] {
    let end = this.beginning(text)
    // A whole one that reaches beyond that is not to be parted.
    for (const { 0: found, index } of text.matchAll(this.pattern))
      if (index < end && index + found.length > end) end = index + found.length
    return [this.text(text.slice(0, end)), text.slice(end)]
  }

  /** Bytes are kept as they are: one character each. */
  stream(): Transform {
    let waiting = ""
    const transform = (bytes: Buffer, _: BufferEncoding, done: TransformCallback) => {
      const [certain, rest] = this.split(waiting + bytes.toString("latin1"))
      waiting = rest
      done(null, Buffer.from(certain, "latin1"))
    }
    const flush = (done: TransformCallback) => done(null, Buffer.from(this.text(waiting), "latin1"))
    return new Transform({ transform, flush })
  }
}
