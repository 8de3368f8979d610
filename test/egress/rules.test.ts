/** Verifies: D25, as a rule over facts: what is open, what is closed, and what the lists change about that. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { PublicKey } from "../../events/Ids.js"
import * as Target from "../../src/egress/Target.js"
import { closedAs } from "../../src/guards/AddressClass.js"
import { type Egress, egressPermitted } from "../../src/guards/EgressPermitted.js"
import { parse } from "../../src/guards/EgressRule.js"
import { hostOf } from "../../src/guards/HostName.js"

const rules = (...texts: ReadonlyArray<string>) => texts.map((text) => Either.getOrThrow(parse(text)))

const asked = (
  changes: Partial<Egress> = {},
  allow: ReadonlyArray<string> = [],
  deny: ReadonlyArray<string> = []
): Egress => ({
  container: "unsb-vm-0000000000000001",
  key: PublicKey.make("unsb-pk-test-1"),
  mode: "semitrusted",
  host: "example.com",
  port: 443,
  addresses: ["93.184.215.14"],
  own: [],
  policy: { allow: rules(...allow), deny: rules(...deny), closedPorts: [25] },
  ...changes
})

const answer = (facts: Egress): string =>
  Either.match(egressPermitted.decide(facts), {
    onLeft: ({ certainty, reason }) => (certainty === "uncertain" ? `uncertain ${reason.code}` : reason.code),
    onRight: () => "permitted"
  })

const at = (...addresses: ReadonlyArray<string>) => ({ addresses })

describe("addresses", () => {
  const closed = [
    ...["0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254"],
    ...["169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1"],
    ...["192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1"],
    ...["239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"],
    ...["::", "::1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fdff::1", "fd00:ec2::254", "ff02::1"],
    ...["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::a00:1", "64:ff9b::7f00:1"],
    ...["64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:0:a00:1::", "2001:db8::1", "2001:2::1"],
    ...["3fff::1", "100::1", "5f00::1", "4000::1", "8000::1", "fe80::1%eth0", "1.2.3", "example.com", ""]
  ]
  for (const address of closed) it(`closes ${address}`, () => expect(closedAs(address)).toBeTypeOf("string"))
  const open = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "169.253.0.1"]
  for (const address of [...open, "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2003::1"])
    it(`leaves ${address} open`, () => expect(closedAs(address)).toBeUndefined())
})

describe("hosts", () => {
  const forms: ReadonlyArray<readonly [string, string | undefined]> = [
    ["Example.COM", "example.com"],
    ["example.com.", "example.com"],
    ["2130706433", "127.0.0.1"],
    ["0x7f000001", "127.0.0.1"],
    ["0x7f.1", "127.0.0.1"],
    ["0177.0.0.1", "127.0.0.1"],
    ["127.1", "127.0.0.1"],
    ["127.0.0.1.", "127.0.0.1"],
    ["0", "0.0.0.0"],
    ["[::1]", "::1"],
    ["[0:0:0:0:0:0:0:1]", "::1"],
    ["[::ffff:127.0.0.1]", "::ffff:7f00:1"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["１２７.0.0.1", "127.0.0.1"],
    ["127。0。0。1", "127.0.0.1"],
    ["fe80::1%eth0", undefined],
    ["[fe80::1%25eth0]", undefined],
    ["a..b", undefined],
    ["127.0.0.1..", undefined],
    ["256.1.1.1", undefined],
    ["1.2.3.4.5", undefined],
    ["08.0.0.1", undefined],
    ["a%2eb", undefined],
    ["127.0\t.0.1", undefined],
    ["user@host", undefined],
    ["a b", undefined],
    ["-a.example", undefined],
    ["", undefined],
    [".", undefined],
    [`${"a".repeat(64)}.example`, undefined]
  ]
  for (const [written, host] of forms) it(`reads ${JSON.stringify(written)}`, () => expect(hostOf(written)).toBe(host))
})

describe("targets", () => {
  const authority = (text: string) => Either.getOrUndefined(Target.ofAuthority(text))
  const url = (text: string) => Either.getOrUndefined(Target.ofUrl(text))
  it("reads CONNECT", () => {
    expect(authority("Example.com:443")).toEqual({ host: "example.com", port: 443 })
    expect(authority("[::1]:80")).toEqual({ host: "::1", port: 80 })
    expect(authority("0x7f.1:80")).toEqual({ host: "127.0.0.1", port: 80 })
  })
  const refused = [
    ...["example.com", "example.com:", "example.com:0", "example.com:65536", "example.com:080000", ":443", "::1:80"],
    ...["user@example.com:443", "user:pass@example.com:443", "example.com:443/", "http://example.com:443", "a%2eb:80"],
    ...["[fe80::1%25eth0]:80", "[::1:80", "example.com:4e2", "example.com:-1", "ex ample.com:80", "bücher.example:80"]
  ]
  for (const text of refused) it(`refuses ${text}`, () => expect(authority(text)).toBeUndefined())
  it("reads the absolute form, and leaves the path as it was written", () => {
    expect(url("http://Example.com/a/../b?c=%20#d")).toEqual({
      host: "example.com",
      port: 80,
      authority: "Example.com",
      path: "/a/../b?c=%20"
    })
    expect(url("HTTP://127.1:8080?x")).toMatchObject({ host: "127.0.0.1", port: 8080, path: "/?x" })
  })
  for (const text of [
    "/",
    "https://example.com/",
    "ftp://a/",
    "http:///x",
    "http://u:p@a/",
    "http://a\\@b/",
    "http://a:b/"
  ])
    it(`refuses ${text}`, () => expect(url(text)).toBeUndefined())
})

describe("rules", () => {
  const texts: ReadonlyArray<readonly [string, string | undefined]> = [
    ["PyPI.org", "pypi.org"],
    ["*.Example.com:443", "*.example.com:443"],
    ["10.1.0.0/16:22", "10.1.0.0/16:22"],
    ["2001:DB8::/32", "2001:db8::/32"],
    ["[2001:db8::1]:22", "[2001:db8::1]:22"],
    ["*", "*"],
    ["*:25", "*:25"],
    ["10.1/16", undefined],
    ["10.0.0.0/33", undefined],
    ["10.0.0.0/8/8", undefined],
    ["0x7f.1", undefined],
    ["a.*.example.com", undefined],
    ["*example.com", undefined],
    ["example.com:0", undefined],
    ["example.com:http", undefined],
    ["http://example.com", undefined],
    ["", undefined],
    ["x".repeat(400), undefined]
  ]
  for (const [written, text] of texts)
    it(`reads ${JSON.stringify(written.slice(0, 40))}`, () =>
      expect(Either.getOrUndefined(Either.map(parse(written), (rule) => rule.text))).toBe(text))
  it("knows which of them open what is closed", () => {
    const opens = (text: string) => Either.getOrThrow(parse(text)).opens
    expect(["10.0.0.1", "0.0.0.0/0", "168.0.0.0/5", "::/0", "2000::/3", "fd00::/8"].filter(opens)).toHaveLength(6)
    expect(["1.1.1.1", "8.8.0.0/16", "2606:4700::/32", "*", "localhost", "*.internal"].filter(opens)).toEqual([])
  })
})

describe("D25 egress-permitted", () => {
  it("permits a public destination, and carries the addresses that were judged", () => {
    const { facts } = Either.getOrThrow(egressPermitted.decide(asked()))
    expect(facts).toEqual({
      container: "unsb-vm-0000000000000001",
      key: "unsb-pk-test-1",
      host: "example.com",
      port: 443,
      addresses: ["93.184.215.14"]
    })
  })

  const table: ReadonlyArray<readonly [string, Egress, string]> = [
    ["a name with a private address", asked(at("10.0.0.1")), "egress_closed"],
    ["a name with one private address among public ones", asked(at("1.1.1.1", "169.254.169.254")), "egress_closed"],
    ["a mapped address", asked(at("::ffff:7f00:1")), "egress_closed"],
    ["an address of this server", asked({ ...at("1.1.1.1"), own: ["1.1.1.1"] }), "egress_closed"],
    ["a name without an address", asked(at()), "uncertain egress_unresolved"],
    ["something that is no address", asked(at("x")), "egress_closed"],
    ["a closed port", asked({ port: 25 }), "egress_port"],
    ["a closed port that is listed", asked({ port: 25 }, ["*"]), "egress_port"],
    ["another mode", asked({ mode: "zerotrust" }), "egress_none"],
    ["a denied name", asked({}, [], ["example.com"]), "egress_denied"],
    ["a denied name below", asked({ host: "a.b.example.com" }, [], ["*.example.com"]), "egress_denied"],
    ["the name above", asked({}, [], ["*.example.com"]), "permitted"],
    ["a name that ends alike", asked({ host: "badexample.com" }, [], ["*.example.com", "example.com"]), "permitted"],
    ["a denied network", asked({}, [], ["93.184.0.0/16"]), "egress_denied"],
    ["one denied address of two", asked(at("1.1.1.1", "8.8.8.8"), [], ["8.8.8.8"]), "egress_denied"],
    ["another port of what is denied", asked({}, [], ["example.com:80"]), "permitted"],
    ["everything denied", asked({}, [], ["*"]), "egress_denied"],
    ["what is listed and denied", asked({}, ["example.com"], ["example.com"]), "egress_denied"],
    ["what is listed", asked({}, ["example.com"]), "permitted"],
    ["what is not listed", asked({}, ["example.org"]), "egress_unlisted"],
    ["another port of what is listed", asked({}, ["example.com:80"]), "egress_unlisted"],
    ["what is listed by its network", asked({}, ["93.184.0.0/16"]), "permitted"],
    ["one address outside of the network", asked(at("93.184.0.1", "1.1.1.1"), ["93.184.0.0/16"]), "egress_unlisted"],
    ["a private address listed by its name", asked(at("10.0.0.1"), ["example.com"]), "egress_closed"],
    ["a private address listed as anything", asked(at("10.0.0.1"), ["*"]), "egress_closed"],
    ["a private address listed by its network", asked(at("10.0.0.1"), ["10.0.0.0/24"]), "permitted"],
    ["one beside the network", asked(at("10.0.0.1", "10.0.1.1"), ["*", "10.0.0.0/24"]), "egress_closed"],
    ["a private address listed for another port", asked(at("10.0.0.1"), ["10.0.0.1:80", "*"]), "egress_closed"],
    ["a private address listed and denied", asked(at("10.0.0.1"), ["10.0.0.1"], ["10.0.0.0/8"]), "egress_denied"],
    ["a mapped form of a denied network", asked(at("::ffff:a00:1"), ["::/0"], ["10.0.0.0/8"]), "egress_denied"]
  ]
  for (const [what, facts, code] of table) it(`${what}: ${code}`, () => expect(answer(facts)).toBe(code))

  it("tells the container nothing of the address behind a name", () => {
    const refused = Either.getOrThrow(Either.flip(egressPermitted.decide(asked(at("10.9.8.7")))))
    expect(refused.reason.message).not.toContain("10.9.8.7")
    expect(refused.reason.note).toContain("10.9.8.7 is private")
  })

  it("is not certain when a fact is missing", () => {
    for (const field of ["container", "key", "mode", "host", "port", "addresses", "policy", "own"])
      expect(answer({ ...asked(), [field]: undefined })).toBe("uncertain uncertain")
  })
})
