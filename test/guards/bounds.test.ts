/** Verifies: what D05, D08, D09, D19 and D21 say, and where exactly each begins to refuse. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { noLimits } from "../../events/Grants.js"
import { LIFE_MICROS } from "../../src/guards/HumanConfirmed.js"
import { entitles } from "../../src/guards/TierEntitled.js"
import { action, JOB, KEY, NOW } from "./points.js"
import { type Case, row, says } from "./words.js"

const OTHER = "unsb-pk-else-0000"
const now = NOW * 1_000_000
const share = { publicKey: KEY, kept: 0, most: 2, keptBytes: 0, mostBytes: 2 }
const challenge = { challenge: "unsb-challenge-1", about: action, channel: "console", expiresAt: now + 60_000_000 }
const answered = (outcome: string, more: object = {}) => ({ answer: { outcome, challenge, attemptsLeft: 3, ...more } })
const offered = (channel: string, expiresAt = now + 60_000_000) => ({
  answer: undefined,
  offered: { ...challenge, channel, expiresAt }
})
const doubt = { retryAfterSeconds: 1, uncertain: true } as const
const scopes = ["execute", "sessions", "services", "snapshots", "images", "semitrusted"]
const called = ["Running programs is", "Sessions are", "Services are", "Snapshots are", "Images are"]

const cases: ReadonlyArray<Case> = [
  {
    of: "D05",
    changes: { memory: "seen" },
    code: "replayed",
    status: 409,
    says: ["acted on already", "sign it anew", "later X-Timestamp"]
  },
  {
    of: "D05",
    changes: { remembersUntil: (NOW + 300) * 1_000 - 1 },
    code: "uncertain",
    status: 503,
    says: ["forgotten before its signature expires", "Nothing was done"],
    rest: { uncertain: true }
  },
  ...[...called, "The semitrusted network is"].map((what, at) => ({
    of: "D08" as const,
    changes: { scope: scopes[at], scopes: scopes.filter((_, index) => index !== at) },
    code: "tier_limit",
    status: 403,
    says: [`${what} not available for this key (tier 1)`, "Use another key", "ask the operator"],
    rest: { details: { scope: scopes[at] ?? "" } }
  })),
  {
    of: "D08",
    changes: { vcpu: 3 },
    code: "tier_limit",
    status: 403,
    says: ["This key may use 2 vCPU, not 3 (tier 1)"],
    rest: { details: { vcpu: 3, most_vcpu: 2 } }
  },
  {
    of: "D08",
    changes: { ttlSeconds: 901 },
    code: "tier_limit",
    status: 403,
    says: ["programs may take 900 s, not 901 (tier 1)"],
    rest: { details: { ttl: 901, most_ttl: 900 } }
  },
  {
    of: "D09",
    changes: { shares: [{ ...share, kept: 2 }] },
    code: "quota_exceeded",
    status: 403,
    says: ["This key may keep 2 services and has 2", "Delete one"],
    rest: { details: { kind: "service", kept: 2, most: 2 } }
  },
  {
    of: "D09",
    changes: { shares: [share, { ...share, publicKey: OTHER, keptBytes: 2 }] },
    code: "quota_exceeded",
    status: 403,
    says: ["The key that this one descends from may keep 2 bytes and keeps 2", "Delete something"],
    rest: { details: { kept_bytes: 2, most_bytes: 2 } }
  },
  ...[{ dwellings: ["x", JOB] }, { dwellings: ["x", "home"], home: "home" }].map((changes) => ({
    of: "D19" as const,
    changes,
    code: "own_container",
    status: 403,
    says: [`given to ${JOB}'s own programs`, "Use the owner's key"]
  })),
  {
    of: "D19",
    changes: { owner: OTHER, line: ["x", OTHER] },
    code: "ancestors_resource",
    status: 403,
    says: ["a key that this one descends from", "Use the key that made it"]
  },
  {
    of: "D21",
    changes: { steady: false },
    code: "uncertain",
    status: 503,
    says: ["clock has just been set", "Nothing was done; try again"],
    rest: { ...doubt, note: "the wall clock parted" }
  },
  {
    of: "D21",
    changes: { answer: undefined },
    code: "uncertain",
    status: 503,
    says: ["could not ask anybody", "Nothing was done"],
    rest: { ...doubt, note: "neither asked nor answered" }
  },
  {
    of: "D21",
    changes: answered("right", { challenge: undefined }),
    code: "uncertain",
    status: 503,
    says: ["cannot tell what was confirmed"],
    rest: { ...doubt, note: "right, of no challenge" }
  },
  {
    of: "D21",
    changes: offered("console", now + LIFE_MICROS + 1),
    code: "uncertain",
    status: 503,
    says: ["clock has been set back"],
    rest: { ...doubt, note: "asked in the future" }
  },
  ...[
    ["console", "on the server's console; its operator also reads it with `unsandbox otp`"],
    ["email", "was sent by e-mail"],
    ["webhook", "was sent to the webhook"],
    ["totp", "the enrolled authenticator shows"]
  ].map(([channel = "", words = ""]) => ({
    of: "D21" as const,
    changes: offered(channel),
    code: "confirmation_required",
    status: 428,
    says: ["A person must confirm this", words, "within 60 s", "X-Sudo-Challenge", "X-Sudo-OTP"],
    rest: { details: { challenge_id: "unsb-challenge-1", expires_in: 60, channel } }
  })),
  ...[
    ["unknown", "unknown_challenge", "no such challenge"],
    ["elsewhere", "challenge_mismatch", "for another request"],
    ["expired", "challenge_expired", "has expired"],
    ["spent", "challenge_spent", "answered already"],
    ["void", "challenge_void", "newer ones took its place"],
    ["exhausted", "too_many_attempts", "Too many wrong codes"]
  ].map(([outcome = "", code = "", words = ""]) => ({
    of: "D21" as const,
    changes: answered(outcome),
    code,
    status: 403,
    says: [words]
  })),
  {
    of: "D21",
    changes: answered("wrong"),
    code: "invalid_otp",
    status: 403,
    says: ["not the code. 3 more"],
    rest: { details: { attempts_left: 3 } }
  },
  ...["key", "method", "path", "bodyDigest"].map((part) => ({
    of: "D21" as const,
    changes: { action: { ...action, [part]: "another" } },
    code: "challenge_mismatch",
    status: 403,
    says: ["for another request", "byte by byte"]
  })),
  {
    of: "D21",
    changes: { now: challenge.expiresAt },
    code: "challenge_expired",
    status: 403,
    says: ["has expired", "without it"]
  },
  ...[
    ["asked", "too_many_challenges"],
    ["missed", "too_many_misses"]
  ].map(([over = "", code = ""]) => ({
    of: "D21" as const,
    changes: { held: { over, until: now + 1_500_000 } },
    code,
    status: 429,
    says: [`Too many codes were ${over} under this key`, "for 2 s"],
    rest: { retryAfterSeconds: 2 }
  }))
]

says(cases)

const facts = (of: Case["of"], changes: object = {}) =>
  Either.map(row(of).decide({ ...row(of).facts, ...changes }), (permit) => permit.facts)

it("passes up to the very border", () => {
  const kept = [{ ...share, kept: 1, keptBytes: 1 }]
  expect(facts("D09", { shares: kept })).toEqual(Either.right({ kind: "service", shares: kept }))
  for (const changes of [{ vcpu: 2 }, { ttlSeconds: 900 }]) expect(Either.isRight(facts("D08", changes))).toBe(true)
  for (const changes of [{ dwellings: ["x"] }, { dwellings: ["null"], home: null }, { line: [KEY] }, { owner: OTHER }])
    expect(Either.isRight(facts("D19", changes))).toBe(true)
})

it("carries what was confirmed, or that it need not be", () => {
  const confirmed = { ...action, mode: "confirmed", challenge: "unsb-challenge-1", channel: "console" }
  expect(facts("D21")).toEqual(Either.right(confirmed))
  const waived = { ...action, mode: "waived", challenge: null, channel: null }
  expect(facts("D21", { mode: "waived" })).toEqual(Either.right(waived))
  expect(facts("D21", { mode: "waived", steady: false, answer: undefined })).toEqual(Either.right(waived))
})

describe("what a key is entitled to", () => {
  const key = { key: KEY, tier: "1", limits: noLimits, scopes: ["execute", "services"], line: [] } as const
  const told = (wish: Parameters<typeof entitles>[0], of: object = {}) =>
    Either.match(entitles(wish, { ...key, ...of }), {
      onLeft: ({ reason }) => reason.details,
      onRight: (permit) => permit.facts
    })
  it("is what its tier includes", () => {
    const had = { publicKey: KEY, tier: "1", scopes: ["execute", "services"], mostVcpu: 1, mostTtlSeconds: 900 }
    expect(told({ scope: "execute" })).toEqual({ ...had, scope: "execute", vcpu: 0, ttlSeconds: 0 })
    expect(told({ scope: "execute", vcpu: 1, ttlMillis: 1_001 })).toEqual({
      ...had,
      scope: "execute",
      vcpu: 1,
      ttlSeconds: 2
    })
    expect(told({ scope: "execute", network: "zerotrust" })).toMatchObject({ scope: "execute" })
  })
  it("is nothing more", () => {
    expect(told({ scope: "sessions" })).toEqual({ scope: "sessions" })
    expect(told({ scope: "execute", vcpu: 2 })).toEqual({ vcpu: 2, most_vcpu: 1 })
    expect(told({ scope: "execute", ttlMillis: 900_001 })).toEqual({ ttl: 901, most_ttl: 900 })
    expect(told({ scope: "execute", network: "semitrusted" })).toEqual({ scope: "semitrusted" })
    expect(told({ scope: "sessions", network: "semitrusted" })).toEqual({ scope: "sessions" })
    const wide = { scopes: ["execute", "semitrusted"] }
    expect(told({ scope: "execute", network: "semitrusted", vcpu: 1 }, wide)).toMatchObject({
      scope: "execute",
      vcpu: 1
    })
  })
})
