import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { authenticate, identify, type KeyFacts } from "../../src/guards/Authentication.js"
import * as Credentials from "../../src/guards/Credentials.js"
import type { Refused } from "../../src/guards/Guard.js"
import { keyActive } from "../../src/guards/KeyActive.js"
import * as Signature from "../../src/guards/Signature.js"
import { clock, KEY, NOW, SECRET } from "./points.js"

const secret = Signature.secretOf(SECRET)
const known: KeyFacts = { record: { key: KEY, status: "active", expiresAt: null }, secret }
const body = Buffer.from('{"language":"bash","code":"echo hi"}')
const request = { method: "POST", target: "/execute", body }

const headers = (timestamp = String(NOW)): Credentials.Headers => ({
  authorization: `Bearer ${KEY}`,
  timestamp,
  signature: Signature.sign(secret, { ...request, timestamp })
})

const refusal = (given: Credentials.Headers, key: KeyFacts = known, changes: Partial<typeof request> = {}): Refused =>
  Either.getOrThrow(
    Either.flip(authenticate({ ...request, ...changes, credentials: Credentials.read(given) }, key, clock))
  )

describe("authenticate", () => {
  it("issues four permits for a request that its holder signed", () => {
    const all = Either.getOrThrow(authenticate({ ...request, credentials: Credentials.read(headers()) }, known, clock))
    expect(all.publicKey).toBe(KEY)
    expect([all.known.point, all.active.point, all.signed.point, all.fresh.point]).toEqual(["D01", "D02", "D03", "D04"])
    const told = JSON.stringify(all)
    expect(told).not.toContain(SECRET)
    expect(told).not.toContain(headers().signature)
  })

  const wrong: ReadonlyArray<readonly [string, Credentials.Headers, string, string, number]> = [
    ["no headers", {}, "D01", "missing_credentials", 401],
    ["an empty header", { authorization: "" }, "D01", "missing_credentials", 401],
    ["another scheme", { ...headers(), authorization: `Basic ${KEY}` }, "D01", "invalid_key", 401],
    ["two tokens", { ...headers(), authorization: `Bearer ${KEY} ${KEY}` }, "D01", "invalid_key", 401],
    ["a legacy secret", { ...headers(), authorization: `Bearer ${SECRET}` }, "D01", "legacy_key_unsupported", 401],
    ["no signature", { ...headers(), signature: undefined }, "D03", "missing_signature", 401],
    ["no timestamp", { ...headers(), timestamp: "" }, "D03", "missing_signature", 401],
    ["a short signature", { ...headers(), signature: "abc" }, "D03", "invalid_signature", 401],
    ["upper case", { ...headers(), signature: headers().signature?.toUpperCase() }, "D03", "invalid_signature", 401],
    ["64 other digits", { ...headers(), signature: "0".repeat(64) }, "D03", "invalid_signature", 401],
    ["another timestamp", { ...headers(), timestamp: String(NOW + 1) }, "D03", "invalid_signature", 401],
    ["an old timestamp", headers(String(NOW - 301)), "D04", "invalid_timestamp", 401],
    ["an early timestamp", headers(String(NOW + 301)), "D04", "invalid_timestamp", 401],
    ["a timestamp in milliseconds", headers(`${NOW}000`), "D04", "invalid_timestamp", 401],
    ["a timestamp in words", headers("now"), "D04", "invalid_timestamp", 401],
    ["a negative timestamp", headers("-1"), "D04", "invalid_timestamp", 401]
  ]
  for (const [what, given, point, code, status] of wrong)
    it(`refuses ${what}`, () =>
      expect(refusal(given)).toMatchObject({ point, certainty: "refused", reason: { code, status } }))

  for (const skew of [-300, 0, 300])
    it(`passes a skew of ${skew} s`, () =>
      expect(
        Either.isRight(
          authenticate({ ...request, credentials: Credentials.read(headers(String(NOW + skew))) }, known, clock)
        )
      ).toBe(true))

  it("says timestamp, in both words that clients look at", () => {
    const { reason } = refusal(headers(String(NOW - 400)))
    expect(reason.code).toContain("timestamp")
    expect(reason.message).toContain("timestamp")
    expect(reason.details).toEqual({ server_time: NOW, skew_seconds: -400, allowed_seconds: 300 })
  })

  it("refuses a changed body, method or path", () => {
    for (const changes of [
      { body: Buffer.from("{}") },
      { method: "PUT" },
      { target: "/run" },
      { target: "/execute?x" }
    ])
      expect(Object.keys(changes)[0] === "target" && changes.target?.includes("?")).toBe(
        Either.isRight(authenticate({ ...request, ...changes, credentials: Credentials.read(headers()) }, known, clock))
      )
  })

  it("refuses an unknown key, and an outage is not one", () => {
    expect(refusal(headers(), { record: undefined, secret: undefined })).toMatchObject({
      point: "D01",
      certainty: "refused",
      reason: { code: "invalid_key", status: 401 }
    })
    expect(refusal(headers(), { ...known, secret: undefined })).toMatchObject({
      point: "D03",
      certainty: "uncertain",
      reason: { status: 503, message: expect.stringContaining("secret cannot be read") }
    })
    const other = { key: "unsb-pk-else-0000", status: "active", expiresAt: null } as const
    expect(refusal(headers(), { ...known, record: other })).toMatchObject({ point: "D01", certainty: "uncertain" })
  })

  it("tells a key's standing only to its holder", () => {
    const suspended: KeyFacts = { secret, record: { key: KEY, status: "suspended", expiresAt: null } }
    expect(refusal(headers(), suspended)).toMatchObject({ point: "D02", reason: { code: "suspended", status: 403 } })
    expect(refusal({ ...headers(), signature: "0".repeat(64) }, suspended).point).toBe("D03")
  })

  it("never puts a secret or a signature into a refusal", () => {
    for (const given of [{ ...headers(), authorization: `Bearer ${SECRET}` }, headers("1")])
      expect(JSON.stringify(refusal(given))).not.toMatch(/vault-unlck|[0-9a-f]{64}/)
  })
})

describe("credentials", () => {
  const tagOf = (authorization: string) => Credentials.read({ authorization })._tag
  it("are malformed when anything stands beside a public key", () => {
    for (const one of [`x Bearer ${KEY}`, `xBearer ${KEY}`, `Bearer x${KEY}`, `Bearer ${KEY}!`, `Bearer ${KEY}A`])
      expect(tagOf(one)).toBe("Malformed")
    for (const one of ["Bearer", "Bearer ", `Bearer${KEY}`, "Bearer unsb-pk-abc", `Bearer unsb-pk-${"a".repeat(65)}`])
      expect(tagOf(one)).toBe("Malformed")
    for (const one of [`Bearer unsb-pk-abcd`, `bEARER   unsb-pk-${"a".repeat(64)}  `])
      expect(tagOf(one)).toBe("Unsigned")
  })
  it("lack what is not there", () => {
    const lacks = (timestamp: string | undefined, signature: string | undefined) => {
      const read = Credentials.read({ authorization: `Bearer ${KEY}`, timestamp, signature })
      return read._tag === "Unsigned" ? read.lacks : read._tag
    }
    expect(lacks(undefined, undefined)).toBe("X-Timestamp and X-Signature")
    expect(lacks("", "s")).toBe("X-Timestamp")
    expect(lacks("1", undefined)).toBe("X-Signature")
    expect(lacks("1", "s")).toBe("Signed")
  })
  it("are known as they are read, and as nothing else", () => {
    const unsigned = { _tag: "Unsigned", publicKey: KEY, lacks: "X-Signature" }
    for (const _tag of ["Legacy", "Malformed", "Absent"]) expect(Credentials.known({ _tag })).toBe(true)
    expect(Credentials.known(unsigned)).toBe(true)
    const none = [undefined, null, 7, "Absent", {}, { _tag: "toString" }, { _tag: ["Absent"] }, { _tag: "Signed" }]
    const keys = ["x", `x${KEY}`, `${KEY}!`, [KEY], undefined].map((publicKey) => ({ ...unsigned, publicKey }))
    for (const other of [...none, ...keys, { ...unsigned, lacks: "" }]) expect(Credentials.known(other)).toBe(false)
  })
  it("name a principal only where there is one", () => {
    expect(Credentials.principal({ _tag: "Unsigned", publicKey: KEY, lacks: "x" })).toBe(KEY)
    for (const _tag of ["Legacy", "Malformed", "Absent"] as const) expect(Credentials.principal({ _tag })).toBe("")
  })
})

describe("identify", () => {
  const bearer = Credentials.read({ authorization: `bearer  ${KEY} ` })

  it("takes a public key alone", () => {
    expect(Either.getOrThrow(identify(bearer, known.record, clock)).publicKey).toBe(KEY)
  })

  it("refuses a revoked key and an unknown one", () => {
    const revoked = { key: KEY, status: "revoked", expiresAt: null } as const
    expect(Either.isLeft(identify(bearer, revoked, clock))).toBe(true)
    expect(Either.isLeft(identify(bearer, undefined, clock))).toBe(true)
  })
})

describe("D02 key-active", () => {
  const standing = { publicKey: KEY, status: "active", expiresAt: NOW * 1e6, now: NOW * 1e6 } as const
  const refused = (changes: object) => Either.getOrThrow(Either.flip(keyActive.decide({ ...standing, ...changes })))

  it("ends at the very microsecond", () => {
    expect(Either.isRight(keyActive.decide({ ...standing, now: NOW * 1e6 - 1 }))).toBe(true)
    expect(refused({}).reason).toMatchObject({ code: "expired", status: 401 })
  })

  for (const [seconds, ago] of [
    [0, "0 seconds ago"],
    [1, "1 second ago"],
    [119, "1 minute ago"],
    [7200, "2 hours ago"],
    [86400 * 3, "3 days ago"]
  ] as const)
    it(`says ${ago}`, () =>
      expect(refused({ now: (NOW + seconds) * 1e6 }).reason.details).toEqual({
        expired: true,
        expired_at_datetime: "2027-01-15T08:00:00.000Z",
        expired_ago: ago,
        renew_url: `/keys/extend?pk=${KEY}`
      }))

  it("is revoked before it is expired", () => expect(refused({ status: "revoked" }).reason.code).toBe("invalid_key"))
  it("does not know a status of tomorrow", () => expect(refused({ status: "frozen" }).certainty).toBe("uncertain"))
  it("does not trust a clock at zero", () => expect(refused({ now: 0 }).certainty).toBe("uncertain"))
})
