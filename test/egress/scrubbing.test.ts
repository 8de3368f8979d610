/** Verifies: a value is found in an answer however its characters are written and wherever pieces part it, and nothing else is. */

import { Either } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Swap } from "../../src/egress/substitution/Going.js"
import { Scrubbing } from "../../src/egress/substitution/Scrubbing.js"
import { Sieve } from "../../src/egress/substitution/Sieve.js"
import { Words } from "../../src/egress/substitution/Words.js"
import { parse } from "../../src/guards/EgressMark.js"

const mark = Either.getOrThrow(parse("api.example"))

const swap = (value: string, n = 0): Swap => ({
  variable: `V${n}`,
  placeholder: `unsandbox-egress-${String(n).repeat(32)}`,
  value,
  mark
})

const scrubbing = (...values: ReadonlyArray<string>) => new Scrubbing(values.map(swap), new Map())

/** In pieces of these lengths, turn by turn. */
const streamed = async (it: Scrubbing, text: string, steps: ReadonlyArray<number>): Promise<string> => {
  const stream = it.stream()
  const bytes = Buffer.from(text, "latin1")
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const step = steps[turn % steps.length] ?? 1
    stream.write(bytes.subarray(at, at + step))
    at += step
  }
  stream.end()
  const out: Array<Uint8Array> = []
  for await (const chunk of stream) out.push(chunk)
  return Buffer.concat(out).toString("latin1")
}

const hex = (char: string, digits: number, upper: boolean): string => {
  const text = char.charCodeAt(0).toString(16).padStart(digits, "0")
  return upper ? text.toUpperCase() : text
}

const short: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" }

const spellings: ReadonlyArray<(char: string, upper: boolean) => string> = [
  (char) => char,
  (char, upper) => `%${hex(char, 2, upper)}`,
  (char, upper) => `\\u${hex(char, 4, upper)}`,
  (char, upper) => `\\x${hex(char, 2, upper)}`,
  (char) => (/[A-Za-z0-9]/.test(char) ? char : `\\${char}`),
  (char) => `&#${char.charCodeAt(0)};`,
  (char) => `&#${String(char.charCodeAt(0)).padStart(7, "0")};`,
  (char, upper) => `&#${upper ? "X" : "x"}${hex(char, 2, upper)};`,
  (char) => short[char] ?? char,
  (char) => (char === " " ? "+" : char)
]

const spelled = (value: string, ways: ReadonlyArray<readonly [number, boolean]>): string =>
  [...value]
    .map((char, n) => {
      const [way, upper] = ways[n % ways.length] ?? [0, false]
      return spellings[way]?.(char, upper) ?? char
    })
    .join("")

const way = fc.tuple(fc.nat({ max: spellings.length - 1 }), fc.boolean())
const steps = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 })
const char = fc.oneof(
  fc.constantFrom(..."%25&\\amp;<2f/u'\"+"),
  fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code))
)
/** What is beside values has no A and cannot spell one. */
const value = fc
  .tuple(fc.array(char, { maxLength: 20 }), fc.array(char, { minLength: 7, maxLength: 20 }))
  .map(([before, after]) => `${before.join("")}A${after.join("")}`)
  .filter((text) => /^\S.*\S$/.test(text))
const beside = fc
  .array(fc.constantFrom(..."%&\\;#ux+2f;\n\x80\xff<p"), { maxLength: 30 })
  .map((chars) => `\n${chars.join("")}\n`)

const VALUE = `sk/live+abc/def&x<y>'!"q`

describe("an answer's scrubbing", () => {
  it("knows the spellings of the usual encoders", () => {
    const written = {
      plain: VALUE,
      json: JSON.stringify(VALUE),
      php: JSON.stringify(VALUE).replaceAll("/", "\\/"),
      go: JSON.stringify(VALUE).replace(/[&<>]/g, (one) => `\\u${hex(one, 4, false)}`),
      net: VALUE.replace(/[^A-Za-z0-9/!]/g, (one) => `\\u${hex(one, 4, true)}`),
      url: encodeURIComponent(VALUE),
      python: VALUE.replace(/[^A-Za-z0-9/_.~-]/g, (one) => `%${hex(one, 2, true)}`),
      small: VALUE.replace(/[^A-Za-z0-9]/g, (one) => `%${hex(one, 2, false)}`),
      html: VALUE.replace(/[&<>"]/g, (one) => short[one] ?? one).replace("'", "&#39;"),
      other: VALUE.replace(/[&<>"']/g, (one) => `&#x${hex(one, 2, true)};`),
      repr: VALUE.replace("'", "\\'"),
      form: new URLSearchParams([["", VALUE]]).toString().slice(1)
    }
    for (const [name, text] of Object.entries(written)) {
      const left = scrubbing(VALUE).text(`a=${text}.`).replaceAll('"', "")
      expect(left, name).toBe(`a=${swap(VALUE).placeholder}.`)
    }
  })

  it("finds each of them, spelled in any way, in any pieces, and leaves the rest as it is", () =>
    fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(value, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(beside, fc.nat(), fc.array(way, { minLength: 1, maxLength: 60 })), { maxLength: 6 }),
        beside,
        steps,
        async (values, parts, end, cuts) => {
          fc.pre(!values.some((one, n) => values.some((other, m) => n !== m && other.includes(one))))
          const of = (which: number) => which % values.length
          const text =
            parts.map(([noise, which, ways]) => noise + spelled(values[of(which)] ?? "", ways)).join("") + end
          const expected = parts.map(([noise, which]) => noise + swap("", of(which)).placeholder).join("") + end
          expect(await streamed(scrubbing(...values), text, cuts)).toBe(expected)
          expect(scrubbing(...values).text(text)).toBe(expected)
        }
      ),
      { numRuns: 1_000 }
    ))

  it("knows it in base64, wherever that begins and however it is written", () => {
    for (const before of ["", "a", "ab"]) {
      const whole = Buffer.from(`${before}${VALUE}`).toString("base64")
      for (const text of [whole, encodeURIComponent(whole), whole.replaceAll("/", "\\/")])
        expect(scrubbing(VALUE).text(text)).toContain(swap(VALUE).placeholder)
    }
  })

  it("takes the longer of two, and what overlaps", () => {
    const [one, other] = ["abcdefgh", "abcdefghij"]
    const [first, second] = [swap(one, 0).placeholder, swap(other, 1).placeholder]
    expect(scrubbing(one, other).text(`${other}.${one}.${other.slice(0, -1)}`)).toBe(`${second}.${first}.${first}i`)
    expect(scrubbing("abababab").text(`${"ab".repeat(9)}c`)).toBe(`${first}${first}c`)
  })

  it("holds no more back than one can be long, whatever comes and however long", () => {
    const long = "a".repeat(4_095)
    for (const [value, text] of [
      [`${long}b`, "a".repeat(1_000_000)],
      [`${long}b`, "%61".repeat(300_000)],
      [`${long}b`, `${long}%6`.repeat(100)],
      [`A${"%25%".repeat(1_000)}Z`, `A${"%25".repeat(300_000)}`],
      [`${"\\".repeat(4_000)}Z`, "\\".repeat(500_000)]
    ] as const) {
      const sieve = new Sieve(new Words(new Map([[value, "instead"]])))
      let held = 0
      let most = 0
      const out = text.match(/.{1,9999}/g)?.map((part) => {
        const passed = sieve.pass(Buffer.from(part), false)
        held += part.length - passed.length
        most = Math.max(most, held)
        return passed
      })
      expect(most).toBeLessThan(12 * 4_096)
      expect(Buffer.concat([...(out ?? []), sieve.pass(Buffer.alloc(0), true)]).toString()).toBe(text)
    }
    // One that overlaps itself is one word after the other.
    const all = scrubbing("a".repeat(1_000)).text("%61".repeat(100_500))
    expect(all).toBe(swap("").placeholder.repeat(100))
  })

  it("lets go of what is certain at once", () => {
    const sieve = new Sieve(new Words(new Map([["secret-word", "instead"]])))
    const passed = (text: string, last = false) => sieve.pass(Buffer.from(text), last).toString()
    expect(passed("data: 100\n\n")).toBe("data: 100\n\n")
    expect(passed("a secret-w")).toBe("a ")
    expect(passed("%6")).toBe("")
    expect(passed("Frd; 5%")).toBe("instead; 5")
    expect(passed(" & s")).toBe("% & ")
    expect(passed("", true)).toBe("s")
  })
})
