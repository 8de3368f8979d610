import { Either } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { BOUNDS, requestWellformed, type Written } from "../../src/guards/RequestWellformed.js"

const code = "print(1)"
const order = (written: Written) => Either.getOrThrow(requestWellformed.decide(written)).facts
const refused = (written: Written) => Either.getOrThrow(Either.flip(requestWellformed.decide(written)))
const variables = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`V${index}`, "x"]))

describe("D11 request-wellformed", () => {
  it("carries the normal form with its defaults", () =>
    expect(order({ code })).toEqual({
      language: undefined,
      code,
      env: {},
      stdin: undefined,
      network: "zerotrust",
      ttlMillis: 60_000,
      vcpu: 1,
      wantsArtifacts: false,
      wantsWasm: false
    }))

  it("takes null, empty strings and PHP's empty object for nothing said", () => {
    const silent = {
      language: "",
      env: [],
      stdin: null,
      network_mode: "",
      ttl: null,
      vcpu: null,
      return_artifact: null
    }
    expect(order({ code, ...silent })).toEqual(order({ code }))
  })

  it("takes numbers and flags as queries bring them", () =>
    expect(order({ code, ttl: "900", vcpu: "8", return_artifact: "1", return_wasm_artifact: "true" })).toMatchObject({
      ttlMillis: 900_000,
      vcpu: 8,
      wantsArtifacts: true,
      wantsWasm: true
    }))

  it("takes numbers and flags in env for their text", () =>
    expect(order({ code, env: { N: 1, B: false, S: "" } }).env).toEqual({ N: "1", B: "false", S: "" }))

  it("keeps a variable called __proto__ a variable", () => {
    const { env } = order({ code, env: JSON.parse('{"__proto__":"x","constructor":"y"}') })
    expect(Object.entries(env)).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"]
    ])
    expect(Object.getPrototypeOf(env)).toBe(Object.prototype)
  })

  const most = "x".repeat(BOUNDS.codeBytes)
  it("takes what is just in bounds", () => {
    order({ code: most, stdin: "x".repeat(BOUNDS.stdinBytes), env: variables(256), ttl: 1, language: "c++" })
    order({ code: "\0", env: { A: "x".repeat(BOUNDS.envBytes - 3) } })
  })

  const wrong: ReadonlyArray<readonly [string, Written, string, number]> = [
    ["no code", {}, "code", 400],
    ["empty code", { code: "" }, "code", 400],
    ["code that is no text", { code: 5 }, "code", 400],
    ["code one byte too long", { code: `${most}x` }, "code", 413],
    ["code too long in bytes alone", { code: "é".repeat(BOUNDS.codeBytes / 2 + 1) }, "code", 413],
    ["half a surrogate pair", { code: "\ud800" }, "code", 400],
    ["a list as stdin", { code, stdin: [] }, "stdin", 400],
    ["too much stdin", { code, stdin: "x".repeat(BOUNDS.stdinBytes + 1) }, "stdin", 413],
    ["a number as language", { code, language: 5 }, "language", 400],
    ["a language with a blank", { code, language: "c c" }, "language", 400],
    ["a language with a NUL", { code, language: "c\0" }, "language", 400],
    ["a long language", { code, language: "x".repeat(65) }, "language", 400],
    ["a ttl of 0", { code, ttl: 0 }, "ttl", 400],
    ["a ttl of 901", { code, ttl: 901 }, "ttl", 400],
    ["a ttl of 1.5", { code, ttl: 1.5 }, "ttl", 400],
    ["a ttl in words", { code, ttl: "soon" }, "ttl", 400],
    ["a signed ttl", { code, ttl: "+5" }, "ttl", 400],
    ["a ttl that is none", { code, ttl: Number.NaN }, "ttl", 400],
    ["a ttl in a list", { code, ttl: [60] }, "ttl", 400],
    ["no vcpu", { code, vcpu: 0 }, "vcpu", 400],
    ["9 vcpu", { code, vcpu: 9 }, "vcpu", 400],
    ["another network", { code, network_mode: "host" }, "network_mode", 400],
    ["a list as network", { code, network_mode: ["zerotrust"] }, "network_mode", 400],
    ["a flag in words", { code, return_artifact: "yes" }, "return_artifact", 400],
    ["a flag of 2", { code, return_wasm_artifact: 2 }, "return_wasm_artifact", 400],
    ["env as text", { code, env: "A=1" }, "env", 400],
    ["env as a list", { code, env: ["A=1"] }, "env", 400],
    ["257 variables", { code, env: variables(257) }, "env", 400],
    ["an empty name", { code, env: { "": "x" } }, "env", 400],
    ["a name with =", { code, env: { "A=B": "x" } }, "env", 400],
    ["a name that begins with a digit", { code, env: { "1A": "x" } }, "env", 400],
    ["a name in other letters", { code, env: { Ä: "x" } }, "env", 400],
    ["a name with a line end", { code, env: { "A\n": "x" } }, "env", 400],
    ["a NUL in a value", { code, env: { A: "x\0y" } }, "env", 400],
    ["half a surrogate pair in a value", { code, env: { A: "\udc00" } }, "env", 400],
    ["a value that is none", { code, env: { A: null } }, "env", 400],
    ["a nested value", { code, env: { A: {} } }, "env", 400],
    ["64 KiB of env", { code, env: { A: "x".repeat(BOUNDS.envBytes - 2) } }, "env", 413]
  ]
  for (const [what, written, field, status] of wrong)
    it(`refuses ${what}`, () => {
      const { certainty, reason } = refused(written)
      expect([certainty, reason.status, reason.details]).toEqual(["refused", status, { field }])
      expect(reason.message).toContain(field)
      expect(reason.message.length).toBeLessThan(200)
    })

  it("is total: any JSON is an order in bounds or a refusal", () => {
    const any = fc.option(fc.oneof(fc.string(), fc.jsonValue(), fc.integer()), { nil: undefined })
    const written = fc.record({
      code: any,
      language: any,
      env: any,
      ttl: any,
      vcpu: any,
      stdin: any,
      network_mode: any
    })
    fc.assert(
      fc.property(written, (given) => {
        const decision = requestWellformed.decide(given)
        if (Either.isLeft(decision)) {
          expect(decision.left.certainty).toBe("refused")
          return
        }
        const { ttlMillis, vcpu } = decision.right.facts
        expect(ttlMillis >= 1_000 && ttlMillis <= 900_000 && vcpu >= 1 && vcpu <= 8).toBe(true)
      }),
      { numRuns: 1_000 }
    )
  })
})
