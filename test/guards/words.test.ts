/** Verifies: what each point says when it refuses: the code, the status and the details whole, the message by what it must name. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { catalogue } from "../../src/guards/Catalogue.js"
import { denials } from "../../src/guards/Denials.js"
import { nameClaimable } from "../../src/guards/NameClaimable.js"
import * as TrustedClock from "../../src/guards/TrustedClock.js"
import { clock, IMAGE, JOB, KEY, limits, NOW, points, seal, signed } from "./points.js"
import { type Case, row, says } from "./words.js"

const OTHER = "unsb-pk-else-0000"
const MIB = 2 ** 20

const again = { retryAfterSeconds: 1 }
const locked = { kind: "service", resource: "unsb-service-1", locked: true }
const egress = { host: "example.com", port: 443 }
const other = { owner: OTHER }
const image = { image: IMAGE, owner: OTHER, visibility: "private", granted: false }
const late = { anchor: clock.anchor, last: clock.anchor, parted: undefined }

const cases: ReadonlyArray<Case> = [
  {
    of: "D01",
    changes: { record: undefined },
    code: "invalid_key",
    status: 401,
    says: ["no such key", "unsandbox keys create"]
  },
  {
    of: "D01",
    changes: { record: { key: OTHER } },
    code: "invalid_key",
    status: 503,
    says: ["no such key"],
    rest: { uncertain: true, note: "the record is another key's" }
  },
  {
    of: "D01",
    changes: { credentials: { _tag: "Absent" } },
    code: "missing_credentials",
    status: 401,
    says: ["Authorization: Bearer", "X-Timestamp", "X-Signature"]
  },
  {
    of: "D01",
    changes: { credentials: { _tag: "Legacy" } },
    code: "legacy_key_unsupported",
    status: 401,
    says: ["secret key was sent", "send the public key (unsb-pk-…)", "replace this secret"]
  },
  {
    of: "D01",
    changes: { credentials: { _tag: "Malformed" } },
    code: "invalid_key",
    status: 401,
    says: ["Bearer <public key>", "unsb-pk-"]
  },
  {
    of: "D02",
    changes: { status: "revoked" },
    code: "invalid_key",
    status: 401,
    says: ["revoked", "Use another"],
    rest: { note: "revoked" }
  },
  { of: "D02", changes: { status: "suspended" }, code: "suspended", status: 403, says: ["suspended", "operator"] },
  {
    of: "D02",
    changes: { expiresAt: (NOW - 60) * 1e6 },
    code: "expired",
    status: 401,
    says: ["expired 1 minute ago", "(2027-01-15T07:59:00.000Z)", "Extend it"],
    rest: {
      details: {
        ...{ expired: true, expired_at_datetime: "2027-01-15T07:59:00.000Z", expired_ago: "1 minute ago" },
        renew_url: `/keys/extend?pk=${KEY}`
      }
    }
  },
  {
    of: "D03",
    changes: { credentials: { _tag: "Unsigned", publicKey: KEY, lacks: "X-Signature" } },
    code: "missing_signature",
    status: 401,
    says: ["X-Signature missing", "HMAC-SHA256(secret", "timestamp:METHOD:path:body"]
  },
  {
    of: "D03",
    changes: { credentials: { _tag: "Absent" } },
    code: "missing_credentials",
    status: 401,
    says: ["X-Signature"],
    unheard: true
  },
  {
    of: "D03",
    changes: { credentials: { ...signed, signature: "A".repeat(64) } },
    code: "invalid_signature",
    status: 401,
    says: ["64 lowercase hex digits", "HMAC-SHA256"]
  },
  {
    of: "D03",
    changes: { credentials: { ...signed, signature: `${"0".repeat(64)}0` } },
    code: "invalid_signature",
    status: 401,
    says: ["64 lowercase hex digits"]
  },
  {
    of: "D03",
    changes: { method: "put" },
    code: "invalid_signature",
    status: 401,
    says: ["does not match", 'Sign "PUT"', "exact path and body", '"timestamp:METHOD:path:body"']
  },
  {
    of: "D03",
    changes: { secret: undefined },
    code: "uncertain",
    status: 503,
    says: ["secret cannot be read", "no signature can be checked", "Try again"],
    rest: { uncertain: true, ...again }
  },
  ...["", "x", "1 ", " 1", "-1", "1e3", "1234567890123"].map((timestamp) => ({
    of: "D04" as const,
    changes: { timestamp },
    code: "invalid_timestamp",
    status: 401,
    says: ["X-Timestamp must be a timestamp in unix seconds", "digits only"]
  })),
  ...(
    [
      [-301, "301 s behind"],
      [301, "301 s ahead of"]
    ] as const
  ).map(([skew, says]) => ({
    of: "D04" as const,
    changes: { timestamp: String(NOW + skew), clock: late },
    code: "invalid_timestamp",
    status: 401,
    says: [`request timestamp is ${says} the server's clock`, "300 s are allowed", "Set your clock"],
    rest: { details: { server_time: NOW, skew_seconds: skew, allowed_seconds: 300 } }
  })),
  {
    of: "D10",
    changes: { askedBytes: 3 * MIB + 1, capacityBytes: 2 * MIB },
    code: "exceeds_capacity",
    status: 400,
    says: ["needs 3 MiB", "pool zerotrust has 2 MiB", "fewer vCPUs"],
    rest: { details: { asked_bytes: 3 * MIB + 1, capacity_bytes: 2 * MIB } }
  },
  {
    of: "D10",
    changes: { waiting: 10 },
    code: "queue_full",
    status: 503,
    says: ["10 runs wait for pool zerotrust", "Try again"],
    rest: { details: { waiting: 10 }, ...again }
  },
  {
    of: "D10",
    changes: { waitedMillis: 30_000 },
    code: "no_capacity",
    status: 503,
    says: ["Pool zerotrust had no free container within 30 s", "Try again"],
    rest: { details: { waited_ms: 30_000 }, ...again }
  },
  {
    of: "D10",
    changes: { promisedBytes: 1 },
    code: "no_capacity",
    status: 503,
    says: ["Pool zerotrust has promised all of its memory", "Try again"],
    rest: { details: {}, ...again }
  },
  {
    of: "D12",
    changes: { asked: undefined },
    code: "language_required",
    status: 400,
    says: ["No language was named", "`language`", "#!/usr/bin/env python3"],
    rest: { details: {} }
  },
  {
    of: "D12",
    changes: { known: undefined },
    code: "unknown_language",
    status: 400,
    says: ['no language "py"', "GET /languages lists all"],
    rest: { details: {} }
  },
  {
    of: "D12",
    changes: { known: undefined, what: "shell" },
    code: "unknown_shell",
    status: 400,
    says: ['no shell "py"', "GET /shells lists all"],
    rest: { details: {} }
  },
  {
    of: "D12",
    changes: { known: undefined, suggestion: "python" },
    code: "unknown_language",
    status: 400,
    says: ['Did you mean "python"?'],
    rest: { details: { suggestion: "python" } }
  },
  {
    of: "D12",
    changes: { runnable: false },
    code: "language_unavailable",
    status: 400,
    says: ["python is known but not installed", "No package provides it"],
    rest: { details: { language: "python" } }
  },
  {
    of: "D12",
    changes: { runnable: false, what: "multiplexer", known: "tmux", installCommand: "apt install tmux" },
    code: "multiplexer_unavailable",
    status: 400,
    says: ["tmux is known but not installed", "operator can install it: apt install tmux"],
    rest: { details: { multiplexer: "tmux", install: "apt install tmux" } }
  },
  {
    of: "D12",
    changes: { wasm: "not installed" },
    code: "wasm_unavailable",
    status: 400,
    says: ["python runs here", "WebAssembly target is not installed"],
    rest: { details: { language: "python" } }
  },
  {
    of: "D12",
    changes: { wasm: "no target" },
    code: "wasm_unsupported",
    status: 400,
    says: ["python cannot be compiled to WebAssembly", "Leave out return_wasm_artifact", "GET /languages"],
    rest: { details: { language: "python", field: "return_wasm_artifact" } }
  },
  {
    of: "D14",
    changes: { mode: "semitrusted" },
    code: "network_mode_unavailable",
    status: 403,
    says: ['no "semitrusted" network', 'network_mode "zerotrust";', "nothing was run"],
    rest: { details: { network_mode: "semitrusted", available: "zerotrust" } }
  },
  {
    of: "D03",
    changes: { credentials: { _tag: "Legacy" } },
    code: "legacy_key_unsupported",
    status: 401,
    says: ["secret key was sent"],
    unheard: true
  },
  {
    of: "D12",
    changes: { runnable: false, installCommand: "apt install python" },
    code: "language_unavailable",
    status: 400,
    says: ["operator can install it: apt install python"],
    rest: { details: { language: "python", install: "apt install python" } }
  },
  {
    of: "D14",
    changes: { mode: "semitrusted", available: ["zerotrust", "zerotrust"] },
    code: "network_mode_unavailable",
    status: 403,
    says: ['network_mode "zerotrust" or "zerotrust";'],
    rest: { details: { network_mode: "semitrusted", available: "zerotrust,zerotrust" } }
  },
  {
    of: "D14",
    changes: { available: [] },
    code: "network_mode_unavailable",
    status: 403,
    says: ["again when a pool is enabled"],
    rest: { details: { network_mode: "zerotrust", available: "" } }
  },
  { of: "D15", changes: { asked: "-" }, code: "invalid_name", status: 400, says: ['"-"', "1 to 63", "hyphens"] },
  { of: "D15", changes: { asked: "www" }, code: "name_reserved", status: 400, says: ['"www" is reserved', "another"] },
  {
    of: "D15",
    changes: { holder: "unsb-service-1" },
    code: "name_taken",
    status: 409,
    says: ['"shop" is already taken', "another"],
    rest: { details: { name: "shop" } }
  },
  {
    of: "D15",
    changes: { kind: "domain", asked: "shop" },
    code: "invalid_name",
    status: 400,
    says: ['"shop" is no domain', "shop.example.com", "without a scheme"]
  },
  {
    of: "D15",
    changes: { kind: "domain", asked: "a.localhost" },
    code: "name_reserved",
    status: 400,
    says: ['"a.localhost" is below a domain of this server', "`name`"]
  },
  {
    of: "D16",
    changes: { found: undefined },
    code: "not_found",
    status: 404,
    says: ["no such job", "case-sensitive", "GET /jobs lists yours"],
    rest: { note: "it never existed" }
  },
  {
    of: "D16",
    changes: { found: other },
    code: "not_found",
    status: 404,
    says: ["no such job"],
    rest: { note: "it belongs to another key" }
  },
  {
    of: "D16",
    changes: { found: { owner: KEY, gone: "expired" } },
    code: "gone",
    status: 410,
    says: ["job unsb-job-1 was expired"],
    rest: { details: { was: "expired" } }
  },
  {
    of: "D16",
    changes: { found: { owner: KEY, gone: "destroyed", cause: "asked" } },
    code: "gone",
    status: 410,
    says: ["job unsb-job-1 was destroyed"],
    rest: { details: { was: "destroyed", cause: "asked" } }
  },
  { of: "D17", changes: other, code: "not_owner", status: 403, says: [JOB, "belongs to another key", "that made it"] },
  {
    of: "D18",
    changes: { found: undefined },
    code: "not_found",
    status: 404,
    says: ["no such image, or it is not shared", "GET /images"],
    rest: { note: "it never existed" }
  },
  {
    of: "D18",
    changes: { found: image },
    code: "not_found",
    status: 404,
    says: ["no such image"],
    rest: { note: "it is private and another's" }
  },
  {
    of: "D18",
    changes: { found: { ...image, visibility: "public", gone: "destroyed" } },
    code: "not_found",
    status: 404,
    says: ["no such image"],
    rest: { note: "it is destroyed and another's" }
  },
  {
    of: "D18",
    changes: { resource: "unsb-image-else" },
    code: "not_found",
    status: 503,
    says: ["no such image"],
    rest: { uncertain: true, note: "another image" }
  },
  {
    of: "D18",
    changes: { found: { ...image, owner: KEY, gone: "destroyed" } },
    code: "gone",
    status: 410,
    says: [`image ${IMAGE} was destroyed`],
    rest: { details: { was: "destroyed" } }
  },
  {
    of: "D20",
    changes: locked,
    code: "locked",
    status: 409,
    says: ["unsb-service-1 is locked", "Unlock it first: POST /services/unsb-service-1/unlock"],
    rest: { details: { locked: true } }
  },
  {
    of: "D22",
    changes: { legal: false },
    code: "illegal_transition",
    status: 409,
    says: ["unsb-job-1 cannot cancel", "it is running", "ask again"],
    rest: { details: { command: "Cancel", state: "Running" } }
  },
  {
    of: "D23",
    changes: { seal: seal({ net: "eth0", seccomp: "0" }) },
    code: "container_unsealed",
    status: 503,
    says: ["not what was specified", "nothing runs in it", "unsandbox doctor"],
    rest: { note: "seccomp is 0, not 2; net is eth0, not lo", ...again }
  },
  {
    of: "D23",
    changes: { seal: seal({ net: undefined }), limits },
    code: "container_unsealed",
    status: 503,
    says: ["not what was specified"],
    rest: { note: "net is not known", uncertain: true, ...again }
  },
  {
    of: "D24",
    changes: { authentic: false },
    code: "vault_unreadable",
    status: 503,
    says: ["vault cannot be opened", "nothing is started", "PUT …/env"],
    rest: { uncertain: true, note: "not sealed by this server, or not under this name" }
  },
  { of: "D24", changes: { claimedFor: "x" }, code: "secrets_withheld", status: 403, says: ["claimed for something"] },
  { of: "D24", changes: { claimedBy: OTHER }, code: "secrets_withheld", status: 403, says: ["another key than the"] },
  { of: "D24", changes: { sealed: "x" }, code: "secrets_withheld", status: 403, says: ["not found sealed"] },
  {
    of: "D25",
    changes: { mode: "zerotrust" },
    code: "egress_none",
    status: 403,
    says: ["example.com:443 is not reached: this container has no way out"],
    rest: { details: egress, note: "unsb-vm-0000000000000001: zerotrust" }
  },
  {
    of: "D25",
    changes: { port: 25 },
    code: "egress_port",
    status: 403,
    says: ["port 25 is closed"],
    rest: { details: { ...egress, port: 25 }, note: "unsb-vm-0000000000000001" }
  },
  {
    of: "D25",
    changes: { addresses: [] },
    code: "egress_unresolved",
    status: 502,
    says: ["the name example.com has no address", "did not answer"],
    rest: { details: egress, note: "unsb-vm-0000000000000001", uncertain: true }
  },
  {
    of: "D25",
    changes: { addresses: ["10.0.0.1"] },
    code: "egress_closed",
    status: 403,
    says: ["its address is not a public one"],
    rest: { details: egress, note: "unsb-vm-0000000000000001: 10.0.0.1 is private" }
  },
  {
    of: "D25",
    changes: { own: ["93.184.215.14"] },
    code: "egress_closed",
    status: 403,
    says: ["its address is not a public one"],
    rest: { details: egress, note: "unsb-vm-0000000000000001: 93.184.215.14 is this server's own" }
  },
  ...(
    [
      ["nothing was appended", []],
      ["a row of another stream", [{ seq: 1, stream: "job/else", hash: "0".repeat(64) }]],
      ["rows out of order", [2, 1].map((seq) => ({ seq, stream: "job/unsb-job-1", hash: "0".repeat(64) }))]
    ] as const
  ).map(([note, rows]) => ({
    of: "D26" as const,
    changes: { rows },
    code: "not_durable",
    status: 503,
    says: ["could not be recorded", "nothing is done", "Try again"],
    rest: { uncertain: true as const, note, ...again }
  }))
]

says(cases)

const claims = [
  "D01 key-known: the public key exists",
  "D02 key-active: the key is neither revoked, suspended nor expired",
  "D03 signature-valid: the signature matches one of the contract's forms",
  "D04 timestamp-fresh: the timestamp is within 300 s of a clock that is itself trusted",
  "D05 request-unreplayed: this signed request has not been acted on before",
  "D06 rate-within: the key's rate of requests allows one more",
  "D07 concurrency-within: the key has a slot free",
  "D08 tier-entitled: the key's tier includes what is asked for",
  "D09 quota-within: what the key keeps stays inside its quota",
  "D10 capacity-available: the pool can carry it without promising more than it has",
  "D11 request-wellformed: the request decodes and its sizes and names are in bounds",
  "D12 language-runnable: the language is known and its toolchain is in the image",
  "D13 files-contained: every file stays inside its directory and sizes and counts are in bounds",
  "D14 network-permitted: the key may use the network mode and the mode exists here",
  "D15 name-claimable: the name is valid, unreserved and nobody else's",
  "D16 resource-known: it exists and has not been destroyed, as far as the caller may know",
  "D17 resource-owned: the caller's key is the owner's key",
  "D18 image-trusted: the image may be used by this key",
  "D19 lineage-clear: the caller neither sits inside what it would destroy nor acts on its forebears",
  "D20 resource-unlocked: nobody has locked it",
  "D21 human-confirmed: a person has confirmed this very action",
  "D22 transition-legal: the state machine allows the command in the present state",
  "D23 container-sealed: namespaces, ids, capabilities, seccomp, limits and network were read back and match the specification",
  "D24 secrets-releasable: the secret is authentic, the caller's, and goes only to its sealed container",
  "D25 egress-permitted: the resolved destination may be reached",
  "D26 log-durable: the event is on disk before what it permits"
]

describe("the catalogue", () => {
  const built = points.map(({ point }) => point)
  it("names each point and what it makes certain, as DESIGN does", () => {
    expect(built.map((point) => `${point} ${catalogue[point].name}: ${catalogue[point].claim}`)).toEqual(claims)
  })
  it("has words for what each of them takes as uncertain", () => {
    for (const [point, { codes, uncertain }] of Object.entries(denials)) {
      expect([point, uncertain]).toEqual([point, expect.stringMatching(/^[a-z].{15,}$/)])
      expect(Object.keys(codes).length).toBeGreaterThan(0)
    }
  })
  it("says so when facts are missing", () => {
    for (const { decide, point } of points) {
      const { message } = Either.getOrThrow(Either.flip(decide(undefined)))
      if (point === "D26") expect(message).toContain("could not be recorded")
      else expect(message).toContain(`not certain that ${catalogue[point].claim} (${point} ${catalogue[point].name})`)
    }
  })
})

describe("D15 on names", () => {
  const { decide, facts } = row("D15")
  const told = (changes: object) =>
    Either.match(decide({ ...facts, ...changes }), {
      onLeft: ({ reason }) => reason.code,
      onRight: (permit) => permit.facts
    })
  const domain = (asked: string, own: ReadonlyArray<string> = []) => told({ kind: "domain", asked, own })
  it("reserves the operator's", () => {
    for (const asked of ["www", "proxy", "mail", "accounts", "support", "wpad", "autoconfig", "unsandbox", "isatap"])
      expect([asked, told({ asked })]).toEqual([asked, "name_reserved"])
  })
  it("takes domains to the very longest, and no address", () => {
    const longest = `${`${"a".repeat(61)}.`.repeat(4)}abcde`
    for (const name of [longest, "a.b1", "a.1b", "1.2.3.4a"]) expect(domain(name)).toEqual({ kind: "domain", name })
    for (const name of [`a${longest}`, "a.1", "a.12", "1.2.3.4"]) expect(domain(name)).toBe("invalid_name")
  })
  it("leaves all of the server's own alone, and nothing else", () => {
    for (const name of ["a.net", "b.net", "x.b.net"]) expect(domain(name, ["a.net", "b.net"])).toBe("name_reserved")
    expect(domain("xb.net", ["a.net", "b.net"])).toEqual({ kind: "domain", name: "xb.net" })
  })
  it("gives a name that is free, and leaves one where it is", () => {
    expect(told({ service: "s" })).toEqual({ kind: "label", name: "shop" })
    expect(told({ service: "s", holder: "s" })).toEqual({ kind: "label", name: "shop" })
    expect(told({ service: "s", holder: "t" })).toBe("name_taken")
  })
  it("says so when somebody was quicker", () =>
    expect(nameClaimable.lost("shop")).toMatchObject({
      point: "D15",
      certainty: "refused",
      reason: { code: "name_taken", status: 409 }
    }))
})

describe("D26 on rows", () => {
  const { decide } = row("D26")
  const hashed = (hash: unknown) => decide({ stream: "job/1", rows: [{ seq: 1, stream: "job/1", hash }] })
  it("takes only the whole of a hash", () => {
    expect(Either.isRight(hashed("a".repeat(64)))).toBe(true)
    for (const hash of [`x${"a".repeat(64)}`, `${"a".repeat(64)}x`, "a".repeat(63), ["a".repeat(64)], "A".repeat(64)])
      expect(hashed(hash)).toMatchObject({ left: { certainty: "uncertain", reason: { note: "not known: rows" } } })
  })
})

describe("a clock", () => {
  const at = (wall: number, monotonic: number) => ({ wall, monotonic })
  const from = TrustedClock.start(at(0, 0))
  it("may be off by two seconds and what NTP slews, and no more", () => {
    expect(TrustedClock.observe(from, at(2_000, 0)).parted).toBeUndefined()
    expect(TrustedClock.observe(from, at(2_000.5, 0)).parted).toEqual({ at: 0, byMillis: 2_000.5 })
    expect(TrustedClock.observe(from, at(-2_000, 0)).parted).toBeUndefined()
    expect(TrustedClock.observe(from, at(12_010, 10_000)).parted).toBeUndefined()
    expect(TrustedClock.observe(from, at(12_011, 10_000)).parted).toEqual({ at: 10_000, byMillis: 2_011 })
  })
  it("that cannot be read has parted for ever", () =>
    expect(TrustedClock.observe(from, at(Number.NaN, 0)).parted).toEqual({ at: 0, byMillis: Number.POSITIVE_INFINITY }))
  it("is compared anew from each minute", () => {
    expect(TrustedClock.observe(from, at(59_999, 59_999)).anchor).toEqual(at(0, 0))
    expect(TrustedClock.observe(from, at(60_000, 60_000)).anchor).toEqual(at(60_000, 60_000))
    const later = TrustedClock.start(at(100_000, 100_000))
    expect(TrustedClock.observe(later, at(159_999, 159_999)).anchor).toEqual(at(100_000, 100_000))
  })
  it("that parted is compared from there", () =>
    expect(TrustedClock.observe(from, at(9_000, 1_000))).toEqual({
      anchor: at(9_000, 1_000),
      last: at(9_000, 1_000),
      parted: { at: 1_000, byMillis: 8_000 }
    }))
})
