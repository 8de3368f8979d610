/** Verifies: which variables may be marked, for which hosts, and for which services. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { leads, parse } from "../../src/guards/EgressMark.js"
import { serviceWellformed } from "../../src/guards/ServiceOrder.js"
import { vaultWellformed } from "../../src/guards/VaultOrder.js"

const SECRET = "a-secret-value"

describe("a mark", () => {
  const texts: ReadonlyArray<readonly [string, string | undefined]> = [
    ["API.Example.com", "api.example.com"],
    ["https://api.example.com", "api.example.com"],
    ["api.example.com:8443", "api.example.com:8443"],
    ["*.example.org", "*.example.org"],
    ["http://api.example.com", "http://api.example.com"],
    ["HTTP://api.example.com:8080", "http://api.example.com:8080"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["localhost", "localhost"],
    ["*", undefined],
    ["*:443", undefined],
    ["*.com", undefined],
    ["*.*.com", undefined],
    ["a.*.com", undefined],
    ["*example.com", undefined],
    ["10.0.0.1", undefined],
    ["10.0.0.0/8", undefined],
    ["0x7f.1", undefined],
    ["[::1]:443", undefined],
    ["::1", undefined],
    ["https://api.example.com/", undefined],
    ["https://api.example.com/path", undefined],
    ["https://u@api.example.com", undefined],
    ["ftp://api.example.com", undefined],
    ["api.example.com:0", undefined],
    ["api.example.com:https", undefined],
    ["api.example.com,evil.example", undefined],
    ["api.example.com=x", undefined],
    ["a b.example", undefined],
    ["", undefined],
    [`${"a".repeat(300)}.example`, undefined]
  ]
  for (const [written, text] of texts)
    it(`reads ${JSON.stringify(written.slice(0, 40))}`, () =>
      expect(Either.getOrUndefined(Either.map(parse(written), (mark) => mark.text))).toBe(text))

  const goes = (text: string, scheme: "https" | "http", host: string, port: number) =>
    leads(Either.getOrThrow(parse(text)), { scheme, host, port })
  it("leads to its host, its port and its scheme, and nowhere else", () => {
    expect(goes("a.example", "https", "a.example", 443)).toBe(true)
    expect(goes("*.a.example:8443", "https", "b.c.a.example", 8443)).toBe(true)
    expect(goes("http://a.example", "http", "a.example", 80)).toBe(true)
    const nowhere = [
      goes("a.example", "http", "a.example", 80),
      goes("a.example", "http", "a.example", 443),
      goes("a.example", "https", "a.example", 8443),
      goes("a.example", "https", "b.a.example", 443),
      goes("*.a.example", "https", "a.example", 443),
      goes("*.a.example", "https", "ba.example", 443),
      goes("http://a.example", "https", "a.example", 443)
    ]
    expect(nowhere).not.toContain(true)
  })
})

describe("a vault's order", () => {
  const read = (variables: unknown, network: unknown = "semitrusted") =>
    Either.match(vaultWellformed.decide({ variables, network }), {
      onLeft: ({ reason }) => `${reason.status} ${reason.message}`,
      onRight: ({ facts }) => facts.variables
    })
  const marked = (value: unknown, ...egress: ReadonlyArray<unknown>) => ({ A: { value, egress } })

  it("has marked variables beside plain ones, in one normal form", () => {
    const given = { ...marked(SECRET, "API.example.com", "api.example.com", "*.example.org"), B: "b", C: 1 }
    expect(read(given)).toEqual({
      A: { value: SECRET, egress: ["api.example.com", "*.example.org"] },
      B: "b",
      C: "1"
    })
  })

  const refused: ReadonlyArray<readonly [string, unknown, RegExp]> = [
    ["no hosts", marked(SECRET), /^400 .*1 to 16 hosts/],
    ["no list of hosts", { A: { value: SECRET } }, /^400 /],
    ["hosts that are no list", { A: { value: SECRET, egress: "api.example.com" } }, /^400 /],
    ["a host that is no text", marked(SECRET, 1), /^400 /],
    ["a host that is none", marked(SECRET, "*"), /^400 .*api\.example\.com/],
    ["too many hosts", marked(SECRET, ...Array.from({ length: 17 }, (_, at) => `h${at}.example`)), /^400 /],
    ["no value", { A: { egress: ["api.example.com"] } }, /^400 .*8 to 4096/],
    ["a short value", marked("1234567", "api.example.com"), /^400 .*8 to 4096/],
    ["a long value", marked("x".repeat(4097), "api.example.com"), /^400 /],
    ["a value of two lines", marked("first line\r\nEvil: yes", "api.example.com"), /^400 /],
    ["a value that ends in a space", marked("12345678 ", "api.example.com"), /^400 /],
    ["a value that is not ASCII", marked("schlüssel-x", "api.example.com"), /^400 /],
    ["a list", { A: [SECRET] }, /^400 /],
    ["a name that is none", { "a@b": { value: SECRET, egress: ["api.example.com"] } }, /^400 .*is no name/],
    [
      "too many that are marked",
      Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`A${at}`, marked(SECRET, "a.example").A])),
      /^400 .*32 are allowed/
    ],
    [
      "more than a vault holds",
      Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`A${at}`, marked("x".repeat(4096), "a.example").A])),
      /^413 /
    ]
  ]
  for (const [what, given, reason] of refused) it(`with ${what} is refused`, () => expect(read(given)).toMatch(reason))

  it("keeps the marks of what is put as text", () => {
    const marked = { A: ["api.example.com"] }
    const put = (text: string) =>
      Either.map(vaultWellformed.decide({ text, network: "semitrusted", marked }), ({ facts }) => facts.variables)
    expect(put(`A=${SECRET}\nB=b`)).toEqual(Either.right({ A: { value: SECRET, egress: ["api.example.com"] }, B: "b" }))
    expect(Either.isLeft(put("A=short"))).toBe(true)
    expect(put("__proto__=x\nconstructor=y")).toEqual(Either.right(JSON.parse('{"__proto__":"x","constructor":"y"}')))
  })

  it("marks nothing of a service without a way out, and says what it needs", () => {
    for (const network of ["zerotrust", null, "", "Semitrusted"])
      expect(read(marked(SECRET, "api.example.com"), network)).toMatch(/^400 .*network_mode semitrusted/)
    expect(read({ A: "plain" }, "zerotrust")).toEqual({ A: "plain" })
    const order = { bootstrap: "x", env: marked(SECRET, "api.example.com") }
    expect(Either.isLeft(serviceWellformed.decide(order))).toBe(true)
    expect(Either.isRight(serviceWellformed.decide({ ...order, network_mode: "semitrusted" }))).toBe(true)
  })
})
