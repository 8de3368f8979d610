import { isDeepStrictEqual } from "node:util"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json } from "../../events/Versioned.js"
import * as Canonical from "../../src/log/Canonical.js"

// Minus zero is left out: JSON has one zero, and so has the canonical text.
const json = fc.jsonValue({ maxDepth: 4 }).map((value): Json => JSON.parse(JSON.stringify(value)))

const shuffled = (value: Json): Json => {
  if (value === null || typeof value !== "object") return value
  if (Array.isArray(value)) return value.map(shuffled)
  const entries = Object.entries(value).reverse()
  return Object.fromEntries(entries.map(([key, inner]) => [key, shuffled(inner)]))
}

describe("canonical encoding", () => {
  it("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(Canonical.encode(shuffled(value))).toBe(Canonical.encode(value))
      })
    )
  })

  it("says the same as JSON: what is read back is what was written", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(Canonical.encode(value))).toEqual(value)
      })
    )
  })

  it("gives different values different texts", () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        expect(Canonical.encode(a) === Canonical.encode(b)).toBe(isDeepStrictEqual(a, b))
      })
    )
  })

  it("writes the RFC's own example", () => {
    const value = {
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '€$\u000f\nA\'B"\\\\"/',
      literals: [null, true, false]
    }
    expect(Canonical.encode(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
  })

  it("sorts keys by UTF-16 code units", () => {
    const sorted = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"]
    const value = Object.fromEntries(sorted.toReversed().map((key) => [key, 0]))
    expect(Canonical.encode(value)).toBe(`{${sorted.map((key) => `${JSON.stringify(key)}:0`).join(",")}}`)
  })

  it("refuses what is not JSON", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined])
      expect(() => Canonical.encode(value)).toThrow(TypeError)
    expect(() => Canonical.encode([1, Number.NaN])).toThrow(TypeError)
  })
})
