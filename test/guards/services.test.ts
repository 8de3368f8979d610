/** D11, D15 and D24 as services ask them. */
import { Either } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type NameAsked, nameClaimable } from "../../src/guards/NameClaimable.js"
import { secretsReleasable } from "../../src/guards/SecretsReleasable.js"
import { serviceWellformed } from "../../src/guards/ServiceOrder.js"
import {
  domainsWellformed,
  patchWellformed,
  redeployWellformed,
  resizeWellformed
} from "../../src/guards/ServicePatch.js"
import { parse, print, vaultWellformed } from "../../src/guards/VaultOrder.js"
import { KEY } from "./points.js"

const order = (written: object) => Either.map(serviceWellformed.decide(written), ({ facts }) => facts)
const refusedIn = (written: object) =>
  Either.match(serviceWellformed.decide(written), { onLeft: ({ reason }) => reason.details?.field, onRight: () => "" })

describe("D11 on an order for a service", () => {
  it("has a usual form for everything that is not said", () =>
    expect(order({})).toEqual(
      Either.right({
        name: undefined,
        ports: [],
        bootstrap: undefined,
        domains: [],
        network: "zerotrust",
        vcpu: 1,
        serviceType: "web",
        env: {},
        unfreezeOnDemand: false,
        showFreezePage: true
      })
    ))
  for (const ports of [[80, 81], "80,81", "80, 81", ["80", 81], [80, 81, 80]])
    it(`reads ports as ${JSON.stringify(ports)}`, () =>
      expect(Either.getOrThrow(order({ ports })).ports).toEqual([80, 81]))
  for (const ports of [[0], [65_536], [1.5], ["x"], [null], {}, Array.from({ length: 33 }, (_, n) => n + 1)])
    it(`refuses ports ${JSON.stringify(ports).slice(0, 40)}`, () => expect(refusedIn({ ports })).toBe("ports"))
  it("makes a script of a link", () => {
    const { bootstrap } = Either.getOrThrow(order({ bootstrap: "https://example.com/a'b.sh" }))
    expect(bootstrap).toContain("curl -fsSL --retry 3 -- 'https://example.com/a'\\''b.sh' | bash")
  })
  it("takes any other text as it is", () =>
    expect(Either.getOrThrow(order({ bootstrap: "echo https://x" })).bootstrap).toBe("echo https://x"))
  it("knows what a type of service listens on", () => {
    expect(Either.getOrThrow(order({ service_type: "minecraft" })).ports).toEqual([25_565])
    expect(Either.getOrThrow(order({ service_type: "minecraft", ports: [1] })).ports).toEqual([1])
    expect(refusedIn({ service_type: "tcp" })).toBe("ports")
    expect(refusedIn({ service_type: "gopher" })).toBe("service_type")
  })
  for (const [field, value] of Object.entries({
    name: 7,
    vcpu: 9,
    bootstrap: ["x"],
    env: { "1": "x" },
    custom_domains: [1]
  }))
    it(`refuses ${field} ${JSON.stringify(value)}`, () => expect(refusedIn({ [field]: value })).toBe(field))
})

describe("D11 on changes", () => {
  const facts = <A>(decision: Either.Either<{ readonly facts: A }, unknown>) => Either.getOrThrow(decision).facts
  it("changes only what is named, and something", () => {
    expect(facts(patchWellformed.decide({ vcpu: 2 }))).toEqual({
      vcpu: 2,
      name: undefined,
      unfreezeOnDemand: undefined,
      showFreezePage: undefined
    })
    expect(Either.isLeft(patchWellformed.decide({}))).toBe(true)
    expect(Either.isLeft(resizeWellformed.decide({}))).toBe(true)
  })
  it("adds and removes domains, or names all", () => {
    expect(facts(domainsWellformed.decide({ all: ["a.b"] }))).toEqual({ all: ["a.b"], add: [], remove: [] })
    expect(facts(domainsWellformed.decide({ add: ["a.b"] }))).toEqual({ all: undefined, add: ["a.b"], remove: [] })
    expect(Either.isLeft(domainsWellformed.decide({}))).toBe(true)
  })
  it("redeploys with a bootstrap, or with the one that is there", () => {
    expect(Either.isRight(redeployWellformed.decide({ bootable: true }))).toBe(true)
    expect(Either.isLeft(redeployWellformed.decide({ bootable: false }))).toBe(true)
    expect(facts(redeployWellformed.decide({ bootstrap: "x", bootable: false }))).toEqual({ bootstrap: "x" })
  })
})

describe("D15 name-claimable", () => {
  const asked: NameAsked = { kind: "label", asked: "shop", own: ["example.net"], service: undefined, holder: undefined }
  const decide = (changes: Partial<NameAsked>) => nameClaimable.decide({ ...asked, ...changes })
  const code = (changes: Partial<NameAsked>) =>
    Either.match(decide(changes), { onLeft: ({ reason }) => reason.code, onRight: ({ facts }) => facts.name })

  it("carries the name in its one form", () => expect(code({ asked: " Shop. " })).toBe("shop"))
  for (const bad of ["", "-a", "a-", "a_b", "a.b", "ä", "xn--a", "a".repeat(64)])
    it(`refuses ${JSON.stringify(bad.slice(0, 9))}`, () => expect(code({ asked: bad })).toBe("invalid_name"))
  it("refuses the operator's", () => expect(code({ asked: "WWW" })).toBe("name_reserved"))
  it("refuses another's, with the words that clients look for", () => {
    const refused = Either.getOrThrow(Either.flip(decide({ holder: "unsb-service-1" })))
    expect(refused.reason).toMatchObject({ code: "name_taken", status: 409 })
    expect(refused.message).toContain("already taken")
  })
  it("passes what it has already", () =>
    expect(code({ holder: "unsb-service-1", service: "unsb-service-1" })).toBe("shop"))
  const domain = (text: string) => code({ kind: "domain", asked: text })
  it("takes domains", () => expect(domain("Shop.Example.com")).toBe("shop.example.com"))
  for (const bad of ["shop", "1.2.3.4", "a..b", "a.b:80", "https://a.b", `${"a.".repeat(127)}b`])
    it(`refuses the domain ${JSON.stringify(bad.slice(0, 12))}`, () => expect(domain(bad)).toBe("invalid_name"))
  for (const ours of ["example.net", "x.example.net", "x.on.example.net"])
    it(`refuses ${ours}, which is this server's own`, () => expect(domain(ours)).toBe("name_reserved"))
})

describe("D24 secrets-releasable", () => {
  const facts = {
    resource: "unsb-service-1",
    authentic: true,
    owner: KEY,
    container: "unsb-vm-1",
    claimedFor: "unsb-service-1",
    claimedBy: KEY,
    sealed: "unsb-vm-1"
  }
  it("releases to the owner's sealed container", () =>
    expect(Either.isRight(secretsReleasable.decide(facts))).toBe(true))
  for (const [name, changes] of Object.entries({
    "a vault that does not open": { authentic: false },
    "another's container": { claimedBy: "unsb-pk-else-0000" },
    "a container for something else": { claimedFor: "unsb-service-2" },
    "a container that was not sealed": { sealed: "unsb-vm-2" }
  }))
    it(`withholds from ${name}`, () =>
      expect(Either.isLeft(secretsReleasable.decide({ ...facts, ...changes }))).toBe(true))
})

describe("a vault's text", () => {
  const read = (text: string) => Either.getOrThrow(parse(text))
  it("is read line by line", () =>
    expect(read(`# comment\n\nA=1\r\nexport B = "two words"\nC='raw $x'\nD=a#b\nE="x\\ny"\nF=\nG="a\nb"\n`)).toEqual({
      A: "1",
      B: "two words",
      C: "raw $x",
      D: "a#b",
      E: "x\ny",
      F: "",
      G: "a\nb"
    }))
  for (const bad of ["no equals", "1A=x", 'A="open', "=x"])
    it(`refuses ${JSON.stringify(bad)}`, () => expect(Either.isLeft(parse(bad))).toBe(true))
  it("is printed so that it reads the same", () =>
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/),
          fc.string({ unit: "grapheme" }).filter((s) => !s.includes("\0"))
        ),
        (variables) => {
          expect(read(print(variables))).toEqual({ ...variables })
        }
      )
    ))
  it("keeps to 64 KiB and 256 variables", () => {
    const status = (written: object) =>
      Either.match(vaultWellformed.decide(written), { onLeft: ({ reason }) => reason.status, onRight: () => 200 })
    expect(status({ text: `A=${"x".repeat(65_533)}` })).toBe(200)
    expect(status({ text: `A=${"x".repeat(65_536)}` })).toBe(413)
    expect(status({ variables: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`V${n}`, ""])) })).toBe(400)
    expect(status({ variables: { A: "\0" } })).toBe(400)
  })
})
