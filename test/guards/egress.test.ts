/** Verifies: what D25 rests on: hosts in their one form, rules as they are written, addresses by their class. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { closedAs, reachesClosed } from "../../src/guards/AddressClass.js"
import { leads, parse as markOf } from "../../src/guards/EgressMark.js"
import { parse } from "../../src/guards/EgressRule.js"
import { hostOf } from "../../src/guards/HostName.js"
import { points } from "./points.js"

const LONG = "a".repeat(63)

describe("a host", () => {
  const forms: { readonly [written: string]: string } = {
    ...{ "Example.COM": "example.com", "example.com.": "example.com", a: "a", "_a._b": "_a._b", "a-b.c": "a-b.c" },
    ...{ "2130706433": "127.0.0.1", "0x7f.1": "127.0.0.1", "0177.0.0.1": "127.0.0.1", "127.1": "127.0.0.1" },
    ...{ "127.0.0.1.": "127.0.0.1", "0": "0.0.0.0", "::1": "::1", "[::1]": "::1", "[0:0:0:0:0:0:0:1]": "::1" },
    ...{ "::FFFF:127.0.0.1": "::ffff:7f00:1", "bücher.example": "xn--bcher-kva.example", "１２７.0.0.1": "127.0.0.1" },
    ...{ [`${LONG}.${LONG}.${LONG}.${"a".repeat(61)}`]: `${LONG}.${LONG}.${LONG}.${"a".repeat(61)}` }
  }
  it("has one form", () => {
    for (const [written, host] of Object.entries(forms)) expect([written, hostOf(written)]).toEqual([written, host])
  })
  it("is none when anything in it is foreign", () => {
    const none = ["", ".", "a..b", "127.0.0.1..", "256.1.1.1", "1.2.3.4.5", "08.0.0.1", "a%2eb", "user@host", "a b"]
    const signs = ["a/b", "a?b", "a#b", "a\\b", "a:80", "[a]", "a<b", "a>b", "a^b", "a|b", "a\tb", "a]", "[a"]
    const six = ["fe80::1%eth0", "[fe80::1%eth0]", "[fe80::1%25eth0]", "x[::1]", "[::1]x", "[1.2.3.4]", "[]", "[[::1]]"]
    const labels = [
      "-a.example",
      "a-.example",
      `${LONG}a.example`,
      `${LONG}.${LONG}.${LONG}.${"a".repeat(62)}`,
      "a!b",
      "a.b!"
    ]
    for (const written of [...none, ...signs, ...six, ...labels])
      expect([written, hostOf(written)]).toEqual([written, undefined])
  })
})

describe("a rule", () => {
  const shown = (written: string) =>
    Either.match(parse(written), {
      onLeft: () => undefined,
      onRight: ({ opens, port, text }) => ({ opens, port, text })
    })
  it("has one form, and a port where one is written", () => {
    const names: ReadonlyArray<readonly [string, string, number | undefined]> = [
      ["PyPI.org", "pypi.org", undefined],
      ["*.Example.com:443", "*.example.com:443", 443],
      ["*", "*", undefined],
      ["*:25", "*:25", 25],
      ["a.b:1", "a.b:1", 1],
      ["a.b:65535", "a.b:65535", 65_535],
      ["localhost:00080", "localhost:80", 80],
      ["8.8.8.8", "8.8.8.8", undefined],
      ["8.8.0.0/16:22", "8.8.0.0/16:22", 22],
      ["8.8.8.8/32", "8.8.8.8/32", undefined],
      ["2606:4700::/32", "2606:4700::/32", undefined],
      ["[2606:4700::1]:22", "[2606:4700::1]:22", 22],
      ["[2606:4700::/32]", "2606:4700::/32", undefined],
      ["2606:4700::1/128", "2606:4700::1/128", undefined]
    ]
    for (const [written, text, port] of names)
      expect([written, shown(written)]).toEqual([written, { opens: false, port, text }])
    for (const text of ["10.0.0.1", "0.0.0.0/0", "168.0.0.0/5", "::/0", "2000::/3", "fd00::/8"])
      expect(shown(text)).toEqual({ opens: true, port: undefined, text })
  })

  it("is none when it could mean something else", () => {
    const targets = [
      "10.1/16",
      "0x7f.1",
      "a.*.b",
      "*a.b",
      "*.",
      "*.1.2.3.4",
      "*.*",
      "http://a.b",
      "",
      "a b",

      "[::1",
      "[]"
    ]
    const sizes = [
      "10.0.0.0/33",
      "10.0.0.0/8/8",
      "10.0.0.0/",
      "10.0.0.0/x",
      "10.0.0.0/8x",
      "10.0.0.0/x8",
      "10.0.0.0/-1",
      "::/129",
      "a.b/8",
      "10.0.0.0/0008"
    ]
    const ports = [
      "a.b:0",
      "a.b:65536",
      "a.b:http",
      "a.b:",
      "a.b:4e2",
      "a.b:80x",
      "a.b:x80",
      "a.b:100000",
      "a.b:1:2",
      "[::1]:",
      "[::1]:0",
      "[::1]80",
      "x[::1]:80"
    ]
    for (const written of [...targets, ...sizes, ...ports])
      expect([written, shown(written)]).toEqual([written, undefined])
  })

  it("that is none is shown, cut, with what is expected", () => {
    const told = (written: string) => Either.getOrThrow(Either.flip(parse(written)))
    expect(told("a b")).toBe(
      '"a b" is no rule: expected a host such as pypi.org or *.example.com, an address, a network such as 10.1.0.0/16, ' +
        "or *; with :PORT when only that one is meant"
    )
    expect(told(`${"x".repeat(400)}`)).toContain(`"${"x".repeat(80)}" is no rule`)
    const longest = `${`${"a".repeat(58)}.`.repeat(4)}example.com`
    expect(shown(longest)).toMatchObject({ text: longest })
    expect(shown(`2606:4700::/32${" ".repeat(400)}`)).toBeUndefined()
  })

  it("takes three hundred characters and no more", () => {
    const written = (length: number) => `[2606:4700::1]:${"0".repeat(length - 17)}22`
    expect(shown(written(20))).toMatchObject({ port: 22 })
    expect(shown(`*:${"0".repeat(298)}`)).toBeUndefined()
  })

  const rule = (written: string) => Either.getOrThrow(parse(written))
  it("by name names hosts, and contains no address", () => {
    expect(["a.b", "x.a.b", "b", "xa.b", "1.1.1.1"].filter(rule("a.b").names)).toEqual(["a.b"])
    expect(["a.b", "x.a.b", "y.x.a.b", "xa.b"].filter(rule("*.a.b").names)).toEqual(["x.a.b", "y.x.a.b"])
    expect(["a.b", "1.1.1.1"].filter(rule("*").names)).toEqual(["a.b", "1.1.1.1"])
    for (const written of ["*", "a.b", "*.a.b"]) expect(rule(written).contains("1.1.1.1")).toBe(false)
  })
  it("by network contains addresses, and names no host", () => {
    expect(["8.8.0.0", "8.8.255.255", "8.9.0.0", "::808:808"].filter(rule("8.8.0.0/16").contains)).toEqual([
      "8.8.0.0",
      "8.8.255.255"
    ])
    expect(["2606:4700::1", "2606:4701::1"].filter(rule("2606:4700::/32").contains)).toEqual(["2606:4700::1"])
    expect(["8.8.8.8", "8.8.8.9"].filter(rule("8.8.8.8").contains)).toEqual(["8.8.8.8"])
    expect(["8.8.8.8", "a.b"].filter(rule("8.8.8.8").names)).toEqual([])
  })
})

describe("an address", () => {
  const classes: { readonly [of: string]: ReadonlyArray<string> } = {
    unspecified: ["0.0.0.0", "0.255.255.255", "::"],
    loopback: ["127.0.0.1", "127.255.255.255", "::1"],
    metadata: ["169.254.169.254", "168.63.129.16", "fd00:ec2::254"],
    private: ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1", "fc00::1", "fdff::1"],
    "shared (carrier NAT)": ["100.64.0.0", "100.127.255.255"],
    "link-local": ["169.254.0.1", "fe80::1", "febf::1"],
    documentation: ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "3fff:fff::1"],
    benchmark: ["198.18.0.0", "198.19.255.255"],
    "6to4": ["192.88.99.1", "2002::1"],
    multicast: ["224.0.0.1", "239.255.255.255", "ff00::1"],
    broadcast: ["255.255.255.255"],
    reserved: ["192.0.0.1", "240.0.0.1", "255.255.255.254", "2001:1::1", "2001:1ff::1", "4000::1", "100::1", "5f00::1"],
    "IPv4-mapped": ["::ffff:8.8.8.8"],
    "IPv4-compatible": ["::8.8.8.8"],
    NAT64: ["64:ff9b::808:808", "64:ff9b:1::1"],
    "site-local": ["fec0::1"],
    Teredo: ["2001::1", "2001:0:ffff::1"],
    "not an address": ["", "example.com", "1.2.3", "fe80::1%eth0", "2606:4700::1%1"]
  }
  it("that is closed is closed as what it is", () => {
    for (const [of, addresses] of Object.entries(classes))
      for (const address of addresses) expect([address, closedAs(address)]).toEqual([address, of])
  })
  it("that is public is open", () => {
    const four = [
      "1.0.0.0",
      "9.255.255.255",
      "11.0.0.0",
      "100.63.255.255",
      "100.128.0.0",
      "126.255.255.255",
      "128.0.0.0"
    ]
    const near = [
      "168.63.129.17",
      "169.253.255.255",
      "169.255.0.0",
      "172.15.255.255",
      "172.32.0.0",
      "192.0.1.0",
      "192.0.3.0"
    ]
    const more = ["192.88.98.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.114.0", "223.255.255.255"]
    const six = ["2606:4700::1", "2001:200::1", "2003::1", "2001:db9::1", "3ffe::1"]
    for (const address of [...four, ...near, ...more, ...six])
      expect([address, closedAs(address)]).toEqual([address, undefined])
  })
  it("that is closed is reached by the network around it", () => {
    for (const [base, prefix] of [
      ["10.0.0.0", 8],
      ["168.63.129.0", 24],
      ["0.0.0.0", 0],
      ["2000::", 3],
      ["8.0.0.0", 5],
      ["4000::", 3]
    ] as const)
      expect([base, reachesClosed(base, prefix)]).toEqual([base, true])
    for (const [base, prefix] of [
      ["8.8.8.0", 24],
      ["1.1.1.1", 32],
      ["2606:4700::", 32],
      ["168.63.129.0", 28]
    ] as const)
      expect([base, reachesClosed(base, prefix)]).toEqual([base, false])
  })
})

describe("D25", () => {
  const row = points.find(({ point }) => point === "D25") ?? expect.fail("no row for D25")
  const rules = (...written: ReadonlyArray<string>) => written.map((one) => Either.getOrThrow(parse(one)))
  const told = (changes: object, allow: ReadonlyArray<string> = [], deny: ReadonlyArray<string> = []) => {
    const policy = { allow: rules(...allow), deny: rules(...deny), closedPorts: [25] }
    return Either.match(row.decide({ ...row.facts, policy, ...changes }), {
      onLeft: ({ message, reason: { code, note } }) => ({ code, message, note }),
      onRight: ({ facts }) => facts
    })
  }
  const at = (...addresses: ReadonlyArray<string>) => ({ addresses })
  const permitted = { container: "unsb-vm-0000000000000001", host: "example.com", port: 443 }
  const unlisted = {
    code: "egress_unlisted",
    message: "example.com:443 is not reached: it is not on the allow-list of this server or key."
  }
  const denied = (rule: string) => ({
    code: "egress_denied",
    message: "example.com:443 is not reached: it is on a deny-list of this server.",
    note: `unsb-vm-0000000000000001: ${rule}`
  })
  const closed = (why: string) => ({ code: "egress_closed", note: `unsb-vm-0000000000000001: ${why}` })

  it("permits what no list speaks of, and carries the addresses that were judged", () =>
    expect(told(at("1.1.1.1", "8.8.8.8"))).toMatchObject({ ...permitted, addresses: ["1.1.1.1", "8.8.8.8"] }))
  it("denies by name, by any address, on that port or all", () => {
    for (const rule of ["example.com", "example.com:443", "*", "93.184.0.0/16"])
      expect(told({}, ["*"], [rule])).toEqual(denied(rule))
    expect(told(at("1.1.1.1", "8.8.8.8"), [], ["8.8.8.8"])).toEqual(denied("8.8.8.8"))
    for (const rule of ["example.com:80", "*.example.com", "ample.com", "8.8.8.8"])
      expect(told({}, [], [rule])).toMatchObject(permitted)
  })
  it("permits only what is listed, where anything is", () => {
    for (const rule of ["example.com", "example.com:443", "*", "93.184.0.0/16", "93.184.215.14:443"])
      expect(told({}, [rule])).toMatchObject(permitted)
    for (const rule of ["example.org", "example.com:80", "*.example.com", "93.184.215.14:80", "8.8.8.8"])
      expect(told({}, [rule])).toMatchObject(unlisted)
    expect(told(at("93.184.0.1", "1.1.1.1"), ["93.184.0.0/16"])).toMatchObject(unlisted)
    expect(told({}, ["example.org", "example.com"])).toMatchObject(permitted)
  })
  it("opens closed addresses only where they are listed by address, on that port", () => {
    expect(told(at("10.0.0.1"))).toMatchObject(closed("10.0.0.1 is private"))
    expect(told(at("1.1.1.1", "10.0.0.1"))).toMatchObject(closed("10.0.0.1 is private"))
    for (const rule of ["example.com", "*"])
      expect(told(at("10.0.0.1"), [rule])).toMatchObject(closed("10.0.0.1 is private"))
    expect(told(at("10.0.0.1"), ["10.0.0.1:80", "*"])).toMatchObject(closed("10.0.0.1 is private"))
    for (const rule of ["10.0.0.0/8", "10.0.0.1:443"]) expect(told(at("10.0.0.1"), [rule])).toMatchObject(permitted)
    expect(told({ own: ["93.184.215.14"] }, ["93.184.215.14"])).toMatchObject(permitted)
  })
  it("knows ports and rules by their shape", () => {
    expect(told({ port: 65_535 })).toMatchObject({ port: 65_535 })
    expect(told({ port: 65_536 })).toMatchObject({ code: "uncertain", note: "not known: port" })
    const rule = { text: "x", port: undefined, names: () => true, contains: () => true, opens: false }
    const under = (one: object) => told({ policy: { allow: [], deny: [one], closedPorts: [] } })
    expect(under(rule)).toMatchObject({ code: "egress_denied" })
    for (const changes of [
      { text: "" },
      { port: 0 },
      { port: "1" },
      { names: true },
      { contains: {} },
      { opens: "no" },
      { opens: undefined }
    ])
      expect(under({ ...rule, ...changes })).toMatchObject({ code: "uncertain", note: "not known: policy" })
  })
})

describe("a mark", () => {
  const shown = (written: string) =>
    Either.match(markOf(written), {
      onLeft: () => undefined,
      onRight: ({ port, scheme, text }) => `${text} ${scheme} ${port}`
    })
  it("has one form: over TLS, unless it says otherwise", () => {
    const forms = {
      ...{
        "API.example.com": "api.example.com https 443",
        "https://a.b": "a.b https 443",
        "a.b:8443": "a.b:8443 https 8443"
      },
      ...{
        "http://a.b": "http://a.b http 80",
        "HTTP://A.b:8080": "http://a.b:8080 http 8080",
        "*.a.b": "*.a.b https 443"
      },
      ...{ "HTTPS://*.a.b:1": "*.a.b:1 https 1", a: "a https 443" }
    }
    for (const [written, form] of Object.entries(forms)) expect([written, shown(written)]).toEqual([written, form])
  })
  it("is none for what is nobody's, or not a host by its name", () => {
    const none = [
      "",
      "*",
      "*.com",
      "*.*",
      "1.2.3.4",
      "::1",
      "[::1]",
      "10.0.0.0/8",
      "a.b/",
      "a.b/c",
      "ftp://a.b",
      "http://",
      "xhttps://a.b",
      "a b",
      "a.b:0",
      "*.1.2.3.4"
    ]
    for (const written of none) expect([written, shown(written)]).toEqual([written, undefined])
    const told = Either.getOrThrow(Either.flip(markOf(`${"!".repeat(90)}`)))
    expect(told).toBe(
      `"${"!".repeat(80)}" is no host that a value may go to: expected a host by its name, such as api.example.com, ` +
        "*.example.org or api.example.com:8443; http:// before it sends the value in clear"
    )
  })
  it("leads to that host, that port and that scheme alone", () => {
    const mark = Either.getOrThrow(markOf("*.a.b:8443"))
    const to = { scheme: "https", host: "x.a.b", port: 8_443 } as const
    expect(leads(mark, to)).toBe(true)
    for (const changes of [{ scheme: "http" }, { host: "a.b" }, { port: 443 }] as const)
      expect(leads(mark, { ...to, ...changes })).toBe(false)
  })
})
