import { createHmac } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Signature from "../../src/guards/Signature.js"
import { SECRET } from "./points.js"

const secret = Signature.secretOf(SECRET)
const bytes = (text: string) => Buffer.from(text)
/** As the contract has it, written down a second time. */
const reference = (message: string) => createHmac("sha256", SECRET).update(message).digest("hex")

const message = (target: string, body: string): Signature.Message => ({
  timestamp: "1700000000",
  method: "POST",
  target,
  body: bytes(body)
})

const verified = (target: string, body: string, signed: string) =>
  Signature.verify(secret, message(target, body), reference(signed))

describe("signature", () => {
  const variants: ReadonlyArray<readonly [string, string, string, string, Signature.Form | undefined]> = [
    ["exact", "/execute", '{"a":1}', '1700000000:POST:/execute:{"a":1}', { query: true, body: true }],
    ["with query", "/run?ttl=5", "x", "1700000000:POST:/run?ttl=5:x", { query: true, body: true }],
    ["without query", "/run?ttl=5", "x", "1700000000:POST:/run:x", { query: false, body: true }],
    ["empty for {}", "/x", "{}", "1700000000:POST:/x:", { query: true, body: false }],
    ["empty for {}, without query", "/x?a=1", "{}", "1700000000:POST:/x:", { query: false, body: false }],
    ["{} for {}", "/x", "{}", "1700000000:POST:/x:{}", { query: true, body: true }],
    ["no body", "/jobs", "", "1700000000:POST:/jobs:", { query: true, body: true }],
    ["empty for { }", "/x", "{ }", "1700000000:POST:/x:", undefined],
    ...["{]", "[}", "{", "}", "{}}", "xx"].map(
      (body) => [`empty for ${body}`, "/x", body, "1700000000:POST:/x:", undefined] as const
    ),
    ["empty for []", "/x", "[]", "1700000000:POST:/x:", undefined],
    ["empty for a body", "/x", '{"a":1}', "1700000000:POST:/x:", undefined],
    ["{} for none", "/x", "", "1700000000:POST:/x:{}", undefined],
    ["half of the query", "/x?a=1&b=2", "", "1700000000:POST:/x?a=1:", undefined],
    ["lower-case method", "/x", "", "1700000000:post:/x:", undefined],
    ["no timestamp", "/x", "", ":POST:/x:", undefined]
  ]
  for (const [what, target, body, signed, form] of variants)
    it(`${form === undefined ? "refuses" : "accepts"} ${what}`, () =>
      expect(verified(target, body, signed)).toEqual(form))

  it("is made as the contract says", () => {
    expect(Signature.sign(secret, message("/execute", "é\n"))).toBe(reference("1700000000:POST:/execute:é\n"))
    expect(Signature.sign(secret, { ...message("/x", ""), method: "get" })).toBe(reference("1700000000:GET:/x:"))
  })

  for (const other of ["", "0", "g".repeat(64), "A".repeat(64), `${"0".repeat(64)}\n`, "0".repeat(65), "é".repeat(64)])
    it(`refuses the form ${JSON.stringify(other.slice(0, 8))} of length ${other.length}`, () =>
      expect(Signature.verify(secret, message("/x", ""), other)).toBeUndefined())

  const parts = fc.record({
    timestamp: fc.nat().map(String),
    method: fc.constantFrom("GET", "POST", "DELETE"),
    target: fc.webPath().map((path) => `/${path}`),
    body: fc.uint8Array({ maxLength: 200 })
  })

  it("verifies whatever it signed, and nothing with one bit changed", () => {
    fc.assert(
      fc.property(parts, fc.nat(255), (given, at) => {
        const signature = Signature.sign(secret, given)
        expect(Signature.verify(secret, given, signature)).toEqual({ query: true, body: true })
        const wrong = Buffer.from(signature, "hex")
        wrong[at >> 3] = (wrong[at >> 3] ?? 0) ^ (1 << (at & 7))
        expect(Signature.verify(secret, given, wrong.toString("hex"))).toBeUndefined()
      }),
      { numRuns: 300 }
    )
  })

  it("holds for one message and one secret only", () => {
    fc.assert(
      fc.property(parts, parts, fc.string({ minLength: 1 }), (one, other, key) => {
        const bytesOf = ({ body, method, target, timestamp }: Signature.Message) =>
          Buffer.concat([bytes(`${timestamp}:${method}:${target}:`), body])
        const signature = Signature.sign(secret, one)
        if (!bytesOf(one).equals(bytesOf(other))) expect(Signature.verify(secret, other, signature)).toBeUndefined()
        expect(Signature.verify(Signature.secretOf(key), one, signature)).toBeUndefined()
      }),
      { numRuns: 300 }
    )
  })

  it("shows its secret nowhere", () => {
    expect(JSON.stringify({ secret })).not.toContain(SECRET)
    expect(String(secret)).not.toContain(SECRET)
  })
})
