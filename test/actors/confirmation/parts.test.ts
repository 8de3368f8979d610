/** Verifies the parts that confirmations are made of, each by itself. */
import { Effect, Redacted } from "effect"
import { describe, expect, it } from "vitest"
import * as Codes from "../../../actors/confirmation/Codes.js"
import * as Console from "../../../actors/confirmation/Console.js"
import * as Contact from "../../../actors/confirmation/Contact.js"
import { isLoopback, mayCall } from "../../../actors/confirmation/Loopback.js"
import { routeOf } from "../../../actors/confirmation/Route.js"
import * as Totp from "../../../actors/confirmation/Totp.js"
import { inWords } from "../../../actors/confirmation/Words.js"
import * as Minting from "../../../actors/Minting.js"
import type { KeyEvent } from "../../../events/Key.js"
import { LIFE_MICROS } from "../../../src/guards/HumanConfirmed.js"
import { created, key } from "../../support/drafts.js"
import { spec } from "../../support/given.js"

describe("an authenticator's codes", () => {
  // RFC 6238, appendix B: the SHA-1 rows, of which an authenticator shows the last six digits.
  const secret = Redacted.make("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
  const vectors = [
    [59, "94287082", 1],
    [1111111109, "07081804", 37037036],
    [1111111111, "14050471", 37037037],
    [1234567890, "89005924", 41152263],
    [2000000000, "69279037", 66666666],
    [20000000000, "65353130", 666666666]
  ] as const
  for (const [seconds, code, step] of vectors)
    it(`at ${seconds} s are those of the RFC`, () => {
      expect(Totp.stepOf(secret, code.slice(2), seconds * 1000)).toBe(step)
      for (const offset of [-30, 30]) expect(Totp.stepOf(secret, code.slice(2), (seconds + offset) * 1000)).toBe(step)
      for (const offset of [-60, 61])
        expect(Totp.stepOf(secret, code.slice(2), (seconds + offset) * 1000)).not.toBe(step)
    })
  for (const code of ["", "28708", "2870820", "28708a", "２８７０８２", " 28708", "-87082", "1e5000"])
    it(`are six digits and nothing like ${JSON.stringify(code)}`, () =>
      expect(Totp.stepOf(secret, code, 59_000)).toBeUndefined())
  it("come of a secret of 160 bits, told in a URI that authenticators read", () => {
    const made = Totp.newSecret()
    expect(Redacted.value(made)).toMatch(/^[A-Z2-7]{32}$/)
    expect(Redacted.value(Totp.newSecret())).not.toBe(Redacted.value(made))
    const uri = new URL(Totp.uriOf(made, "unsb-pk-test-1"))
    expect(`${uri.protocol}//${uri.host}${uri.pathname}`).toBe("otpauth://totp/unsandbox:unsb-pk-test-1")
    expect(Object.fromEntries(uri.searchParams)).toMatchObject({
      secret: Redacted.value(made),
      issuer: "unsandbox",
      algorithm: "SHA1",
      digits: "6",
      period: "30"
    })
  })
})

describe("a code", () => {
  it("has eight digits, however small, and clients have room for it", () => {
    for (let n = 0; n < 200; n++) expect(Redacted.value(Codes.newCode())).toMatch(/^[0-9]{8}$/)
  })
  it.each([
    ["1234 5678", "12345678"],
    [" 1234-5678\n", "12345678"],
    ["", ""]
  ])("typed as %j is %j", (typed, read) => expect(Codes.normal(typed)).toBe(read))
  it("is never as long as what somebody sends instead", () => expect(Codes.normal("1".repeat(1e6)).length).toBe(64))
})

describe("what would be done", () => {
  it.each([
    ["DELETE", "/services/unsb-service-1", "destroy service unsb-service-1"],
    ["DELETE", "/images/unsb-image-1", "destroy image unsb-image-1"],
    ["DELETE", "/sessions/unsb-session-1?audit=1", "end session unsb-session-1"],
    ["POST", "/snapshots/unsb-snapshot-1/unlock", "unlock snapshot unsb-snapshot-1"],
    ["POST", "/services/unsb-service-1/redeploy", "redeploy service unsb-service-1"],
    ["POST", "/images/unsb-image-1/transfer", "give image unsb-image-1 to another key"],
    ["DELETE", "/services/unsb-service-1/env", "delete the variables of service unsb-service-1"],
    ["POST", "/services/unsb-service-1/constructor", "POST /services/unsb-service-1/constructor"],
    ["DELETE", "/constructor/x", "DELETE /constructor/x"],
    ["DELETE", "/services/a%0d%0ab", "DELETE /services/a%0d%0ab"],
    ["DELETE", "/services/\u001b[2J\r\nCode 1", "DELETE /services/ [2J Code 1"]
  ])("%s %s is to %s", (method, path, words) => expect(inWords({ method, path })).toBe(words))
  it("is one line of bounded length", () => {
    expect(inWords({ method: "DELETE", path: `/services/${"a".repeat(9_999)}` }).length).toBe(200)
  })
})

describe("the way of a code", () => {
  const nobody = { email: null, webhook: null }
  const of = (n: number, more: object = {}) => ({ key: key(n), contact: nobody, totp: false, ...more })
  const mailed = { contact: { email: "a@example.com", webhook: null } }
  const both = { contact: { email: "a@example.com", webhook: "https://example.com/" } }
  const ways = { mail: true, webhook: null }
  const route = (record: object, line: ReadonlyArray<ReturnType<typeof of>> = [], over: object = {}) =>
    routeOf({ ...of(1, record), line }, { ...ways, ...over })
  it("is the device before all", () =>
    expect(route({ ...both, totp: true })).toEqual({ channel: "totp", holder: key(1), to: "" }))
  it("is the webhook before the mail", () =>
    expect(route(both)).toMatchObject({ channel: "webhook", to: "https://example.com/" }))
  it("is the mail where there is a server for it", () => {
    expect(route(mailed)).toEqual({ channel: "email", holder: key(1), to: "a@example.com" })
    expect(route(mailed, [], { mail: false })).toEqual({ channel: "console", holder: key(1), to: "" })
  })
  it("is a forebear's when the key has none, the nearest first", () => {
    expect(route({}, [of(2), of(3, { totp: true })])).toEqual({ channel: "totp", holder: key(3), to: "" })
    expect(route({}, [of(2, mailed), of(3, { totp: true })])).toMatchObject({ channel: "email", holder: key(2) })
    expect(route(mailed, [of(2, { totp: true })])).toMatchObject({ channel: "email", holder: key(1) })
  })
  it("is the server's webhook, else its console", () => {
    expect(route({}, [], { webhook: "https://example.com/all" })).toMatchObject({
      channel: "webhook",
      to: "https://example.com/all"
    })
    expect(route({})).toMatchObject({ channel: "console" })
  })
})

describe("a URL", () => {
  it.each([
    ["https://example.com/x", true],
    ["http://127.0.0.1:1/x", true],
    ["http://localhost/x", true],
    ["http://[::1]/x", true],
    ["http://example.com/x", false],
    ["http://127.0.0.1.example.com/x", false],
    ["http://localhost@example.com/", false],
    ["ftp://127.0.0.1/", false],
    ["file:///etc/passwd", false],
    ["https://", false],
    ["", false]
  ])("%s may be called: %s", (url, may) => expect(mayCall(url)).toBe(may))
  it("of a mail server is of this host or not", () => {
    expect(["smtp://127.0.0.1:25", "smtp://localhost", "smtp://mail.example.com", "no"].map(isLoopback)).toEqual([
      ...[true, true],
      ...[false, false]
    ])
  })
})

describe("the console", () => {
  const message = (expiresAt: number, code = "12345678") => ({
    challenge: Minting.challengeId(),
    key: key(1),
    code: Redacted.make(code),
    words: "destroy service x",
    expiresAt
  })
  const told = () => {
    const lines: Array<string> = []
    return { lines, console: Console.make((line) => Effect.sync(() => void lines.push(line))) }
  }
  it("tells people, and knows the code until it is used", () => {
    const { console, lines } = told()
    const one = message(LIFE_MICROS)
    Effect.runSync(console.send("", one))
    expect(lines).toEqual([`Confirmation asked: ${key(1)} would destroy service x. Code 12345678 for ${one.challenge}`])
    expect(console.codeOf(one.challenge)).toBe("12345678")
    console.forget(one.challenge)
    expect(console.codeOf(one.challenge)).toBeNull()
  })
  it("knows no code that has expired, and no more than a thousand", () => {
    const { console } = told()
    const old = message(LIFE_MICROS)
    Effect.runSync(console.send("", old))
    const [first, ...rest] = Array.from({ length: 1_001 }, (_, n) => message(2 * LIFE_MICROS + n))
    for (const one of [first, ...rest]) if (one !== undefined) Effect.runSync(console.send("", one))
    expect(console.codeOf(old.challenge)).toBeNull()
    expect(console.codeOf(first?.challenge ?? "")).toBeNull()
    expect(rest.every(({ challenge }) => console.codeOf(challenge) !== null)).toBe(true)
  })
})

describe("a contact", () => {
  const given = spec(Contact)
  const { Change, Enrol, Remove } = Contact.Command
  const born = created(1) as KeyEvent
  const mail = { email: "a@example.com", webhook: null }
  const changed: KeyEvent = { _tag: "KeyContactChanged", key: key(1), ...mail }
  const enrolled: KeyEvent = { _tag: "KeyTotpEnrolled", key: key(1) }
  const removed: KeyEvent = { _tag: "KeyTotpRemoved", key: key(1) }
  const revoked: KeyEvent = { _tag: "KeyRevoked", key: key(1), reason: "lost" }
  it("changes, once for each change", () => {
    given(born).when(Change(mail)).gives(changed)
    given(born, changed).when(Change(mail)).gives()
  })
  it("has a device or none", () => {
    given(born).when(Enrol()).gives(enrolled)
    given(born, enrolled).when(Enrol()).gives()
    given(born, enrolled).when(Remove()).gives(removed)
    given(born, enrolled, removed).when(Remove()).gives()
  })
  it("is of a key that is there, and not revoked", () => {
    for (const past of [[], [born, revoked], [born, enrolled, revoked]])
      for (const command of [Change(mail), Enrol(), Remove()])
        given(...past)
          .when(command)
          .rejects()
  })
  it("is not touched by what else becomes of the key", () => {
    const others: ReadonlyArray<KeyEvent> = [
      { _tag: "KeySuspended", key: key(1), reason: "x" },
      { _tag: "KeyResumed", key: key(1) },
      { _tag: "KeyExtended", key: key(1), expiresAt: null },
      { _tag: "KeyConfirmationSet", key: key(1), confirm: "off" }
    ]
    expect(given(born, changed, enrolled, ...others).state).toEqual(given(born, changed, enrolled).state)
  })
})
