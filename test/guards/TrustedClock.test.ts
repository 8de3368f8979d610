import { Either } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { timestampFresh } from "../../src/guards/TimestampFresh.js"
import * as TrustedClock from "../../src/guards/TrustedClock.js"
import { NOW } from "./points.js"

const begin = { wall: NOW * 1000, monotonic: 1_000 }
/** `steps`: how far each clock moved. */
const watched = (...steps: ReadonlyArray<readonly [wall: number, monotonic: number]>) => {
  let sample = begin
  let clock = TrustedClock.start(sample)
  for (const [wall, monotonic] of steps) {
    sample = { wall: sample.wall + wall, monotonic: sample.monotonic + monotonic }
    clock = TrustedClock.observe(clock, sample)
  }
  return clock
}
const trusted = (clock: TrustedClock.TrustedClock) => clock.parted === undefined
const seconds = (count: number) => Array.from({ length: count }, () => [1000, 1000] as const)

describe("trusted clock", () => {
  it("is trusted while both clocks advance alike", () => expect(trusted(watched(...seconds(1000)))).toBe(true))
  it("allows what NTP slews", () => expect(trusted(watched([3_600_000 + 1_800, 3_600_000]))).toBe(true))
  it("notices a jump ahead", () => expect(trusted(watched([10_000, 1000]))).toBe(false))
  it("notices a jump back", () => expect(trusted(watched([-10_000, 1000]))).toBe(false))
  it("notices a machine that slept", () => expect(trusted(watched([3_600_000, 50]))).toBe(false))
  it("notices a monotonic clock that is none", () => expect(trusted(watched([0, -1]))).toBe(false))
  it("notices clocks that cannot be read", () => {
    expect(trusted(watched([Number.NaN, 1000]))).toBe(false)
    expect(trusted(watched([1000, Number.NaN]))).toBe(false)
  })
  it("notices many small steps", () => {
    const creeping = Array.from({ length: 40 }, () => [1100, 1000] as const)
    expect(trusted(watched(...creeping))).toBe(false)
  })
  it("settles when both have agreed for a timestamp's life", () => {
    expect(trusted(watched([10_000, 1000], ...seconds(299)))).toBe(false)
    expect(trusted(watched([10_000, 1000], ...seconds(300)))).toBe(true)
  })
  it("doubts anew after a second jump", () =>
    expect(trusted(watched([10_000, 1000], ...seconds(200), [-10_000, 1000], ...seconds(200)))).toBe(false))

  it("doubts every jump beyond the tolerance, at any time", () => {
    const jump = fc.oneof(fc.integer({ min: 10_000, max: 1e9 }), fc.integer({ min: -1e9, max: -10_000 }))
    fc.assert(
      fc.property(fc.array(fc.nat(5_000), { maxLength: 50 }), jump, (steps, by) => {
        const steady = steps.map((step) => [step, step] as const)
        expect(trusted(watched(...steady))).toBe(true)
        expect(trusted(watched(...steady, [1000 + by, 1000]))).toBe(false)
      })
    )
  })

  it("makes D04 uncertain, whatever the timestamp says", () => {
    for (const timestamp of [String(NOW), "0", "x"]) {
      const refused = Either.getOrThrow(
        Either.flip(timestampFresh.decide({ timestamp, clock: watched([-86_400_000, 1000]) }))
      )
      expect(refused).toMatchObject({ certainty: "uncertain", reason: { status: 503, code: "invalid_timestamp" } })
    }
  })

  it("makes D04 uncertain at a time that is none", () => {
    for (const wall of [Number.NaN, Number.POSITIVE_INFINITY, 0, -1]) {
      const sample = { wall, monotonic: 0 }
      const decision = timestampFresh.decide({
        timestamp: String(NOW),
        clock: { anchor: sample, last: sample, parted: undefined }
      })
      expect(Either.isLeft(decision) && decision.left.certainty).toBe("uncertain")
    }
  })
})
