/** Verifies D21: a person's answer lets pass exactly the action that it was given for, once, in time, and nothing else. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { Channel } from "../../events/Confirmation.js"
import { Digest, PublicKey } from "../../events/Ids.js"
import {
  type Action,
  type Challenge,
  type Confirmation,
  humanConfirmed,
  LIFE_MICROS,
  type Verdict
} from "../../src/guards/HumanConfirmed.js"
import { NOW } from "./points.js"

const now = NOW * 1_000_000
const second = 1_000_000

const action: Action = {
  key: PublicKey.make("unsb-pk-test-0000-0000-0001"),
  method: "DELETE",
  path: "/services/unsb-service-0000000000000001",
  bodyDigest: Digest.make(`sha256:${"0".repeat(64)}`)
}
const challenge: Challenge = {
  challenge: `unsb-challenge-${"1".repeat(32)}`,
  about: action,
  channel: "email",
  expiresAt: now + 60 * second
}
const right: Verdict = { outcome: "right", challenge, attemptsLeft: 0 }
const none = { answer: undefined, offered: undefined, held: undefined, now, steady: true } as const
const required: Confirmation = { ...none, action, mode: "required" }
const answered = (changes: Partial<Verdict> = {}): Confirmation => ({ ...required, answer: { ...right, ...changes } })
const asked = (changes: Partial<Challenge> = {}): Confirmation => ({
  ...required,
  offered: { ...challenge, ...changes }
})

const passes = (facts: Confirmation) => Either.getOrThrow(humanConfirmed.decide(facts)).facts
const refuses = (facts: Confirmation) => {
  const { certainty, reason } = Either.getOrThrow(Either.flip(humanConfirmed.decide(facts)))
  expect(reason.uncertain === true).toBe(certainty === "uncertain")
  return reason
}
const doubts = (facts: Confirmation) => {
  const reason = refuses(facts)
  expect(reason).toMatchObject({ code: "uncertain", status: 503, uncertain: true, retryAfterSeconds: 1 })
  expect(reason.message).toMatch(/Nothing was done; try again shortly\.$/)
  return reason
}

describe("what needs nobody", () => {
  it("passes, and the permit says that it was waived", () =>
    expect(passes({ ...required, mode: "waived" })).toEqual({
      ...action,
      mode: "waived",
      challenge: null,
      channel: null
    }))
  it("passes whatever the time is, and whatever was answered beside it", () => {
    const beside = { ...answered(), mode: "waived", steady: false } as const
    expect(passes(beside)).toEqual({ ...action, mode: "waived", challenge: null, channel: null })
    expect(passes({ ...answered({ outcome: "wrong" }), mode: "waived" }).mode).toBe("waived")
  })
})

describe("a right answer", () => {
  it("passes for exactly this action, and the permit names challenge and channel", () =>
    expect(passes(answered())).toEqual({
      ...action,
      mode: "confirmed",
      challenge: challenge.challenge,
      channel: "email"
    }))
  for (const changes of [
    { key: PublicKey.make("unsb-pk-test-0000-0000-0002") },
    { method: "POST" },
    { path: "/services/unsb-service-0000000000000002" },
    { bodyDigest: Digest.make(`sha256:${"1".repeat(64)}`) }
  ] satisfies ReadonlyArray<Partial<Action>>)
    it(`does not pass for another ${Object.keys(changes)}`, () => {
      expect(refuses({ ...answered(), action: { ...action, ...changes } })).toMatchObject({
        code: "challenge_mismatch",
        status: 403
      })
    })
  it("passes until the last microsecond, and not at the next", () => {
    passes(answered({ challenge: { ...challenge, expiresAt: now + 1 } }))
    for (const expiresAt of [now, now - 1])
      expect(refuses(answered({ challenge: { ...challenge, expiresAt } })).code).toBe("challenge_expired")
  })
  it("of no challenge is no answer", () =>
    expect(doubts(answered({ challenge: undefined })).message).toContain("what was confirmed"))
  it("to what was asked in the future is doubted: the clock went back", () => {
    passes(answered({ challenge: { ...challenge, expiresAt: now + LIFE_MICROS } }))
    const later = { ...challenge, expiresAt: now + LIFE_MICROS + 1 }
    expect(doubts(answered({ challenge: later })).message).toContain("set back")
    expect(doubts(asked(later)).note).toBe("asked in the future")
  })
})

describe("any other answer", () => {
  const codes = {
    unknown: ["unknown_challenge", /no such challenge/],
    elsewhere: ["challenge_mismatch", /for another request/],
    expired: ["challenge_expired", /has expired/],
    spent: ["challenge_spent", /answered already/],
    void: ["challenge_void", /is void/],
    exhausted: ["too_many_attempts", /Too many wrong codes/]
  } as const
  for (const [outcome, [code, said]] of Object.entries(codes))
    it(`is refused as ${code}`, () => {
      const verdict = { outcome, challenge: undefined } as Partial<Verdict>
      const reason = refuses(answered(verdict))
      expect(reason).toMatchObject({ code, status: 403, message: expect.stringMatching(said) })
      // What became of the challenge counts, not what it was about.
      expect(refuses(answered({ ...verdict, challenge })).code).toBe(code)
    })
  it("says how many more can be tried", () => {
    const reason = refuses(answered({ outcome: "wrong", challenge: undefined, attemptsLeft: 3 }))
    expect(reason).toMatchObject({ code: "invalid_otp", status: 403, details: { attempts_left: 3 } })
    expect(reason.message).toBe("That is not the code. 3 more can be tried for this challenge.")
  })
  it("is told even when a challenge was made beside it", () =>
    expect(refuses({ ...asked(), answer: { ...right, outcome: "wrong" } }).code).toBe("invalid_otp"))
})

describe("no answer", () => {
  it("is asked for, with what clients look for", () => {
    const reason = refuses(asked())
    expect(reason).toMatchObject({
      code: "confirmation_required",
      status: 428,
      details: { challenge_id: challenge.challenge, expires_in: 60, channel: "email" }
    })
    expect(reason.message).toContain("within 60 s")
    expect(reason.message).toContain("X-Sudo-Challenge")
    expect(reason.message).toContain("X-Sudo-OTP")
  })
  const where = {
    console: "server's console",
    email: "sent by e-mail",
    webhook: "sent to the webhook",
    totp: "enrolled authenticator"
  }
  for (const channel of Channel.literals)
    it(`says where the code is: ${channel}`, () =>
      expect(refuses(asked({ channel })).message).toContain(where[channel]))
  it("is never asked for within less than a second", () =>
    expect(refuses(asked({ expiresAt: now + 1 })).details).toMatchObject({ expires_in: 1 }))
  it("is uncertain when nobody could be asked", () =>
    expect(doubts(required)).toMatchObject({ note: "neither asked nor answered" }))
})

describe("time that cannot be trusted", () => {
  for (const [what, facts] of Object.entries({ answered: answered(), asked: asked(), neither: required }))
    it(`is doubted when there is ${what}`, () => {
      expect(doubts({ ...facts, steady: false })).toMatchObject({ note: "the wall clock parted" })
    })
  for (const lie of [0, 1, now / 1_000_000, Number.MAX_SAFE_INTEGER])
    it(`is doubted when it is ${lie}`, () => {
      expect(refuses({ ...answered(), now: lie })).toMatchObject({ uncertain: true, note: "not known: now" })
    })
})

describe("too much under one key", () => {
  const until = now + 90 * second
  it("asked is refused until then", () => {
    const reason = refuses({ ...asked(), held: { over: "asked", until } })
    expect(reason).toMatchObject({ code: "too_many_challenges", status: 429, retryAfterSeconds: 90 })
    expect(reason.message).toContain("for 90 s")
  })
  it("missed is refused until then, also with the right answer", () => {
    const reason = refuses({ ...answered(), held: { over: "missed", until } })
    expect(reason).toMatchObject({ code: "too_many_misses", status: 429, retryAfterSeconds: 90 })
  })
})

it("never carries more than what is to be told", () => {
  const facts = { ...answered(), code: "12345678" }
  expect(JSON.stringify(passes(facts))).not.toContain("12345678")
})
