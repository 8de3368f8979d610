/** Verifies: a pace grants what it says and no more, whatever order, gaps and clocks requests come with. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Gcra from "../../src/guards/Gcra.js"

const SECOND = 1_000_000
const NOW = 1_800_000_000 * SECOND

/** A bucket that fills drop by drop, counted out in the plainest way. */
class Naive {
  private drops: number
  private at = NOW

  constructor(private readonly pace: Gcra.Pace) {
    this.drops = pace.burst * pace.interval
  }

  ask(now: number): boolean {
    const { burst, interval } = this.pace
    this.drops = Math.min(burst * interval, this.drops + (now - this.at))
    this.at = now
    if (this.drops < interval) return false
    this.drops -= interval
    return true
  }
}

const pace = fc
  .record({
    rpm: fc.oneof(
      fc.constant(60 / 42),
      fc.integer({ min: 1, max: 600_000 }),
      fc.double({ min: 0.1, max: 500, noNaN: true })
    ),
    burst: fc.integer({ min: 1, max: 50 })
  })
  .map(({ burst, rpm }) => ({ rpm, pace: Gcra.paceOf(rpm, burst) }))

const gaps = (most: number) => fc.array(fc.integer({ min: 0, max: most }), { minLength: 1, maxLength: 200 })

const asked = (of: Gcra.Pace, times: ReadonlyArray<number>) => {
  let tat = 0
  return times.map((now) => {
    const standing = Gcra.weigh(of, tat, now)
    tat = standing.tat
    return { now, ...standing }
  })
}

const timesOf = (of: Gcra.Pace, steps: ReadonlyArray<number>): ReadonlyArray<number> => {
  let now = NOW
  return steps.map((step) => {
    now += Math.round((step / 100) * of.interval)
    return now
  })
}

describe("GCRA", () => {
  it("answers as a bucket that is counted out", () =>
    fc.assert(
      fc.property(pace, gaps(300), ({ pace }, steps) => {
        const naive = new Naive(pace)
        for (const { allowed, now } of asked(pace, timesOf(pace, steps))) expect(allowed).toBe(naive.ask(now))
      })
    ))

  it("never grants more in any window than the burst and what the rate adds", () =>
    fc.assert(
      fc.property(pace, gaps(150), ({ pace, rpm }, steps) => {
        const granted = asked(pace, timesOf(pace, steps)).filter(({ allowed }) => allowed)
        for (const [from, first] of granted.entries())
          for (const [to, last] of granted.entries()) {
            if (to < from) continue
            const most = pace.burst + ((last.now - first.now) * rpm) / (60 * SECOND)
            expect(to - from + 1).toBeLessThanOrEqual(most + 1e-6)
          }
      })
    ))

  it("says how many are left, and when the next is allowed", () =>
    fc.assert(
      fc.property(pace, gaps(150), ({ pace }, steps) => {
        for (const { allowed, now, remaining, retryAfter, tat } of asked(pace, timesOf(pace, steps))) {
          expect(Gcra.remaining(pace, tat, now)).toBe(remaining)
          let after = tat
          for (let left = remaining; left > 0; left -= 1) {
            const next = Gcra.weigh(pace, after, now)
            expect(next.allowed).toBe(true)
            after = next.tat
          }
          expect(Gcra.weigh(pace, after, now).allowed).toBe(false)
          expect(Gcra.weigh(pace, tat, Math.max(tat, now)).remaining).toBe(pace.burst - 1)
          if (allowed) continue
          expect(Gcra.weigh(pace, tat, now + retryAfter).allowed).toBe(true)
          expect(Gcra.weigh(pace, tat, now + retryAfter - 1).allowed).toBe(false)
        }
      })
    ))

  it("grants nothing twice when the clock goes back", () =>
    fc.assert(
      fc.property(pace, gaps(300), gaps(300), ({ pace }, steps, back) => {
        const forth = timesOf(pace, steps)
        const last = forth[forth.length - 1] ?? NOW
        const wandering = [...forth, ...back.map((step) => last - Math.round((step / 100) * pace.interval))]
        const granted = asked(pace, wandering).filter(({ allowed }) => allowed).length
        const most = pace.burst + Math.floor((last - NOW) / pace.interval)
        expect(granted).toBeLessThanOrEqual(most)
      })
    ))

  it("knows the plans", () => {
    expect(Gcra.paceOf(60 / 42, 1)).toEqual({ interval: 42 * SECOND, burst: 1 })
    expect(Gcra.paceOf(600_000, 100_000)).toEqual({ interval: 100, burst: 100_000 })
    expect(Gcra.paceOf(7, 7)).toEqual({ interval: 8_571_429, burst: 7 })
  })

  for (const [what, rpm, burst] of [
    ["no rate", 0, 5],
    ["no burst", 60, 0],
    ["a rate that is none", Number.NaN, 5],
    ["a burst that is none", 60, Number.NaN],
    ["a rate below nothing", -1, 5]
  ] as const)
    it(`grants nothing for ${what}`, () => {
      const none = Gcra.paceOf(rpm, burst)
      expect(asked(none, [NOW, NOW + 7 * 86_400 * SECOND]).map(({ allowed }) => allowed)).toEqual([false, false])
      expect(Gcra.remaining(none, 0, NOW)).toBe(0)
    })

  it("grants nothing on times that are none", () => {
    const one = Gcra.paceOf(60, 1)
    expect(Gcra.weigh(one, Number.NaN, NOW).allowed).toBe(false)
    expect(Gcra.weigh(one, 0, Number.NaN).allowed).toBe(false)
  })

  it("lets nobody save up more than a week's worth", () => {
    const { burst, interval } = Gcra.paceOf(1, 1_000_000)
    expect(burst * interval).toBeLessThanOrEqual(7 * 86_400 * SECOND)
  })
})
