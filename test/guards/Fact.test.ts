/** Verifies: what a fact must look like, at its very borders. */
import { describe, expect, it } from "vitest"
import * as Fact from "../../src/guards/Fact.js"

const [EARLIEST, LATEST] = [Date.UTC(2020, 0), Date.UTC(2200, 0)]

/** What each takes, and what it does not. */
const table: { readonly [name: string]: readonly [Fact.Known, ReadonlyArray<unknown>, ReadonlyArray<unknown>] } = {
  anything: [Fact.anything, [undefined, null, 0, Symbol("x")], []],
  text: [Fact.text, ["a", " ", "x".repeat(4_096)], ["", "x".repeat(4_097), 1, null, ["a"], new String("a")]],
  written: [Fact.written, ["", "a", "x".repeat(2 ** 20)], [undefined, 1, ["a"]]],
  nonEmpty: [Fact.nonEmpty, ["a", "x".repeat(2 ** 20)], ["", undefined, 1]],
  flag: [Fact.flag, [true, false], [0, 1, "true", undefined, null]],
  natural: [Fact.natural, [0, 1, Number.MAX_SAFE_INTEGER], [-1, 0.5, 2 ** 53, Number.NaN, "1", 1n]],
  positive: [Fact.positive, [1, Number.MAX_SAFE_INTEGER], [0, -1, 0.5, 2 ** 53, Number.NaN, "1"]],
  finite: [Fact.finite, [0, -1.5, Number.MAX_VALUE], [Number.NaN, Number.POSITIVE_INFINITY, "1", null]],
  moment: [
    Fact.moment,
    [EARLIEST, EARLIEST + 0.5, LATEST - 1],
    [EARLIEST - 1, LATEST, 0, String(EARLIEST), Number.NaN]
  ],
  bytes: [Fact.bytes, [new Uint8Array(0), Buffer.from("a")], ["a", [1], new ArrayBuffer(1), undefined]],
  oneOf: [Fact.oneOf("a", "b"), ["a", "b"], ["", "c", undefined, ["a"], new String("a")]],
  maybe: [Fact.maybe(Fact.text), [undefined, "a"], [null, "", 1]],
  nullable: [Fact.nullable(Fact.text), [null, "a"], [undefined, "", 1]],
  list: [Fact.list(Fact.text), [[], ["a", "b"]], [["a", ""], "ab", { 0: "a", length: 1 }, new Set(["a"]), undefined]],
  dictionary: [
    Fact.dictionary(Fact.text),
    [new Map(), new Map([["a", "b"]])],
    [new Map([["a", ""]]), new Map([[1, "b"]]), new Map([[undefined, "b"]]), { a: "b" }, [["a", "b"]]]
  ],
  struct: [
    Fact.struct({ a: Fact.text, b: Fact.flag }),
    [
      { a: "a", b: true },
      { a: "a", b: false, c: 1 }
    ],
    [{ a: "a" }, { b: true }, { a: "", b: true }, {}, null, undefined, 7, "ab"]
  ],
  "struct of nothing": [Fact.struct({}), [{}, []], [null, undefined, 7, "", () => true]]
}

for (const [name, [known, takes, leaves]] of Object.entries(table))
  describe(name, () => {
    it("takes what it is", () => expect(takes.filter((value) => !known(value))).toEqual([]))
    it("leaves what it is not", () => expect(leaves.filter(known)).toEqual([]))
  })

describe("what is not known", () => {
  const unknown = Fact.unknownIn({ a: Fact.text, b: Fact.flag })
  it("is named, the first of it", () => {
    expect(unknown({})).toBe("a")
    expect(unknown({ a: "a" })).toBe("b")
    expect(unknown({ a: "a", b: true })).toBeUndefined()
  })
  it("is all of it where there are no facts", () => {
    for (const nothing of [null, undefined, 7, "ab", true]) expect(unknown(nothing)).toBe("facts")
  })
})
