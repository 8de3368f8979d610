/** An answer as it comes back: values that the host repeats are placeholders again, however their characters are written. */
import { Transform, type TransformCallback } from "node:stream"
import * as Forms from "./Forms.js"
import type { Swap } from "./Going.js"
import { Sieve } from "./Sieve.js"
import * as Words from "./Words.js"

export class Scrubbing {
  private readonly words: Words.Words
  /** As they are read where case does not count. */
  private readonly lower: ReadonlyArray<string>

  /** `sent`: what the container wrote, by what was sent for it. */
  constructor(swaps: ReadonlyArray<Swap>, sent: ReadonlyMap<string, string>) {
    const values = swaps.flatMap(({ placeholder, value }) =>
      Forms.all(value).map((form) => [form, placeholder] as const)
    )
    const instead = new Map([...values, ...sent])
    this.words = Words.shared(instead)
    this.lower = [...instead.keys()].flatMap((one) => [one.toLowerCase(), Forms.written(one, "url").toLowerCase()])
  }

  /** Whatever the case: of what is read without regard to it. */
  isIn(name: string): boolean {
    const given = name.toLowerCase()
    return this.lower.some((one) => given.includes(one)) || this.text(name) !== name
  }

  text(given: string): string {
    return new Sieve(this.words).pass(Buffer.from(given, "latin1"), true).toString("latin1")
  }

  /** Bytes are kept as they are, and go on as soon as it is certain that no value begins with them. */
  stream(): Transform {
    const sieve = new Sieve(this.words)
    const transform = (bytes: Buffer, _: BufferEncoding, done: TransformCallback) =>
      done(null, sieve.pass(bytes, false))
    const flush = (done: TransformCallback) => done(null, sieve.pass(Buffer.alloc(0), true))
    return new Transform({ transform, flush })
  }
}
