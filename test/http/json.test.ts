import { Either } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Json from "../../src/http/Json.js"

const place = (text: string) =>
  Either.match(Json.parse(text), { onLeft: ({ position }) => position, onRight: () => -1 })

describe("malformed JSON", () => {
  it.each([
    ["", 0],
    ["{", 1],
    ['{"a"}', 4],
    ['{"a":}', 5],
    ['{"a":1,}', 7],
    ["[1,]", 3],
    ["[1 2]", 3],
    ["[1}", 2],
    ['"a', 2],
    ['"a\nb"', 2],
    ['"\\x"', 1],
    ["01", 1],
    ["nul", 0],
    ["{} x", 3],
    ["[1,2", 4]
  ])("%j stops at %i", (text, position) => {
    expect(place(text)).toBe(position)
  })

  it("tells line and column", () => {
    expect(Json.parse('{\n  "a": ?\n}')).toMatchObject({ left: { line: 2, column: 8, position: 9 } })
  })

  it("is what is nested too deep, where it becomes that, whatever strings hold", () => {
    expect(place("[".repeat(1_000_000))).toBe(64)
    expect(place('{"a":'.repeat(1_000_000))).toBe(64 * 5)
    expect(place(`${"[".repeat(64)}${"]".repeat(64)}`)).toBe(-1)
    expect(place(`[${"[],".repeat(1_000)}[]]`)).toBe(-1)
    expect(place(JSON.stringify(["[".repeat(100), '\\"['.repeat(100), "{".repeat(100)]))).toBe(-1)
    expect(place(`["\\\\",${"[".repeat(64)}`)).toBe(6 + 63)
  })

  it("is found for every prefix of a document, at its end", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), fc.nat(), (value, at) => {
        const text = JSON.stringify(value)
        const cut = text.slice(0, at % text.length)
        const found = place(cut)
        // Cut inside a number, word or escape, what stands before it is where it stops.
        expect(found).toBeLessThanOrEqual(cut.length)
        expect(found).toBeGreaterThanOrEqual(0)
      })
    )
  })

  it("is whatever the engine says it is, and nothing else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        let valid = true
        try {
          JSON.parse(text)
        } catch {
          valid = false
        }
        expect(Either.isRight(Json.parse(text))).toBe(valid)
      })
    )
  })
})
