/** Verifies D06 and D07: what they say to whom, at their edges and when they are not certain. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { type Concurrency, concurrencyWithin } from "../../src/guards/ConcurrencyWithin.js"
import type { Guard, Refused } from "../../src/guards/Guard.js"
import { FURTHEST_MICROS, type Rate, rateWithin } from "../../src/guards/RateWithin.js"
import { KEY, NOW } from "./points.js"

const passes = <P extends "D06" | "D07", F>(guard: Guard<P, F>, facts: F): F =>
  Either.getOrThrow(guard.decide(facts)).facts
const refuses = <P extends "D06" | "D07", F>(guard: Guard<P, F>, facts: F): Refused =>
  Either.getOrThrow(Either.flip(guard.decide(facts)))

describe("D06 rate-within", () => {
  const passing: Rate = {
    ...{ publicKey: KEY, shared: false, rpm: 60, burst: 10, remaining: 0, allowed: true },
    ...{ resetAt: NOW * 1_000_000, retryAfter: 0, ahead: FURTHEST_MICROS, clockTrusted: true }
  }
  const used: Rate = { ...passing, allowed: false, resetAt: NOW * 1_000_000 + 1, retryAfter: 1_500_001 }

  it("passes the last one", () => expect(passes(rateWithin, passing)).toEqual(passing))

  it("says when to come again, in whole seconds that are enough", () => {
    const { certainty, reason } = refuses(rateWithin, used)
    expect([certainty, reason.code, reason.status]).toEqual(["refused", "rate_limit_exceeded", 429])
    expect(reason.retryAfterSeconds).toBe(2)
    expect(reason.details).toEqual({ limit: 60, burst: 10, reset_at: NOW + 1 })
    expect(refuses(rateWithin, { ...used, retryAfter: 1 }).reason.retryAfterSeconds).toBe(1)
    expect(refuses(rateWithin, { ...used, retryAfter: 0 }).reason.retryAfterSeconds).toBe(1)
  })

  const words: ReadonlyArray<readonly [string, Partial<Rate>, string]> = [
    ["a rate", {}, "This key may begin 60 requests a minute, 10 at once. Try again in 2 s."],
    [
      "a forebear's",
      { shared: true },
      "The key that this one descends from may begin 60 requests a minute, 10 at once."
    ],
    ["a taste", { rpm: 60 / 42, burst: 1 }, "This key may begin one request in 42 s, 1 at once."],
    ["the slowest that is counted a minute", { rpm: 2 }, "This key may begin 2 requests a minute, 10 at once."],
    ["one that is not", { rpm: 1.99 }, "This key may begin one request in 30 s, 10 at once."],
    ["no rate", { rpm: 0 }, "This key may not begin anything."],
    ["no burst", { burst: 0 }, "This key may not begin anything."]
  ]
  for (const [what, changes, said] of words)
    it(`says ${what}`, () => expect(refuses(rateWithin, { ...used, ...changes }).message).toContain(said))

  const doubtful: ReadonlyArray<readonly [string, Partial<Rate>]> = [
    ["a clock that was set", { clockTrusted: false }],
    ["what lies further ahead than a rate can bring anybody", { ahead: FURTHEST_MICROS + 1 }],
    ["a moment that is none", { resetAt: 0 }],
    ["a rate that is none", { rpm: Number.NaN }],
    ["a rate below nothing", { rpm: -1 }]
  ]
  for (const [what, changes] of doubtful)
    it(`is not certain of ${what}`, () =>
      expect(refuses(rateWithin, { ...passing, ...changes })).toMatchObject({
        certainty: "uncertain",
        reason: { status: 503 }
      }))

  const contradictory: ReadonlyArray<readonly [string, Partial<Rate>]> = [
    ["what a rate of nothing allows", { rpm: 0 }],
    ["what a burst of nothing allows", { burst: 0 }],
    ["what leaves as many as there were", { remaining: 10 }],
    ["what leaves more than there were", { remaining: 11 }],
    ["what is allowed and has to wait", { retryAfter: 1 }]
  ]
  for (const [what, changes] of contradictory)
    it(`is not certain of ${what}`, () => {
      const { certainty, reason } = refuses(rateWithin, { ...passing, ...changes })
      expect([certainty, reason.code, reason.status]).toEqual(["uncertain", "uncertain", 503])
      expect(reason.message).toContain("contradicts itself. Nothing was begun; try again shortly.")
      expect(reason.retryAfterSeconds).toBe(1)
    })

  it("passes all that contradicts nothing, up to its edges", () => {
    for (const changes of [{ rpm: 0.001 }, { burst: 1 }, { remaining: 9 }])
      expect(passes(rateWithin, { ...passing, ...changes })).toMatchObject(changes)
  })

  it("refuses what is not allowed, whatever else is said of it", () => {
    for (const [, changes] of contradictory)
      expect(refuses(rateWithin, { ...used, ...changes })).toMatchObject({
        certainty: "refused",
        reason: { status: 429 }
      })
  })
})

describe("D07 concurrency-within", () => {
  const last: Concurrency = { publicKey: KEY, shared: false, active: 3, wanted: 1, limit: 4 }

  it("passes the last slot", () => expect(passes(concurrencyWithin, last)).toEqual(last))

  const table: ReadonlyArray<readonly [string, Partial<Concurrency>, string]> = [
    ["one too many", { active: 4 }, "This key has 4 of 4 concurrency slots in use, and this needs 1 more."],
    ["two where one is free", { wanted: 2 }, "This key has 3 of 4 concurrency slots in use, and this needs 2 more."],
    ["anything where there is one", { active: 1, limit: 1 }, "1 of 1 concurrency slot in use"],
    ["anything where there are none", { active: 0, limit: 0 }, "0 of 0 concurrency slots in use"],
    ["more than was narrowed meanwhile", { active: 9, limit: 4 }, "9 of 4"],
    ["a forebear's", { shared: true, active: 4 }, "The key that this one descends from has 4 of 4"]
  ]
  for (const [what, changes, said] of table)
    it(`refuses ${what}`, () => {
      const facts = { ...last, ...changes }
      const { certainty, reason } = refuses(concurrencyWithin, facts)
      expect([certainty, reason.code, reason.status]).toEqual(["refused", "concurrency_limit_reached", 429])
      expect(reason.details).toEqual({
        active_executions: facts.active,
        concurrency_limit: facts.limit,
        wanted: facts.wanted
      })
      expect(reason.message).toContain(said)
      expect(reason.retryAfterSeconds).toBe(1)
    })

  it("is not certain when nothing is wanted", () =>
    expect(refuses(concurrencyWithin, { ...last, wanted: 0 }).certainty).toBe("uncertain"))
})
