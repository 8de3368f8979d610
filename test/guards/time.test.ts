/** Verifies: whatever the clock says, nobody is let in whom the right time would have refused. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import type { DecisionPoint } from "../../events/Ids.js"
import { authenticate, identify } from "../../src/guards/Authentication.js"
import * as Credentials from "../../src/guards/Credentials.js"
import { LIFE_MICROS } from "../../src/guards/HumanConfirmed.js"
import { keyActive } from "../../src/guards/KeyActive.js"
import { FURTHEST_MICROS } from "../../src/guards/RateWithin.js"
import * as Signature from "../../src/guards/Signature.js"
import { timestampFresh } from "../../src/guards/TimestampFresh.js"
import * as TrustedClock from "../../src/guards/TrustedClock.js"
import { action, KEY, NOW, points, SECRET } from "./points.js"

const DAY = 86_400_000
const begin = { wall: NOW * 1000, monotonic: 5_000 }
const sound = TrustedClock.start(begin)

/** In milliseconds. */
const lies = {
  zero: 0,
  "a moment after zero": 1,
  "minus zero": -0,
  negative: -NOW * 1000,
  "not a number": Number.NaN,
  "1e400": Number.POSITIVE_INFINITY,
  "minus 1e400": Number.NEGATIVE_INFINITY,
  "the last moment of 2019": Date.UTC(2020, 0) - 1,
  "the first of 2200": Date.UTC(2200, 0),
  "the last that a date can say": 8.64e15,
  "beyond all dates": Number.MAX_VALUE
}

const secret = Signature.secretOf(SECRET)
const body = new Uint8Array(0)
const signed = (timestamp: string) => {
  const request = { method: "DELETE", target: "/services/unsb-service-1", body }
  const signature = Signature.sign(secret, { ...request, timestamp })
  return { ...request, credentials: Credentials.read({ authorization: `Bearer ${KEY}`, timestamp, signature }) }
}
const bearer = Credentials.read({ authorization: `Bearer ${KEY}` })
const record = (expiresAt: number | null) => ({ key: KEY, status: "active", expiresAt }) as const

const asked = (clock: TrustedClock.TrustedClock, expiresAt: number | null = null, timestamp = String(NOW)) => ({
  authenticate: authenticate(signed(timestamp), { record: record(expiresAt), secret }, clock),
  identify: identify(bearer, record(expiresAt), clock)
})

const refusedBy = (decision: Either.Either<unknown, { readonly point: string; readonly certainty: string }>) =>
  Either.match(decision, { onLeft: ({ certainty, point }) => `${point} ${certainty}`, onRight: () => "permitted" })

const outcome = (...given: Parameters<typeof asked>) => {
  const { authenticate, identify } = asked(...given)
  return [refusedBy(authenticate), refusedBy(identify)]
}

const doubt = ["D04 uncertain", "D02 uncertain"]

it("lets a sound request in by a sound clock", () => {
  expect(outcome(sound)).toEqual(["permitted", "permitted"])
  const far = { wall: Date.UTC(2200, 0) - 1, monotonic: 0 }
  const near = { wall: Date.UTC(2020, 0), monotonic: 0 }
  for (const sample of [far, near])
    expect(outcome(TrustedClock.start(sample), null, String(Math.floor(sample.wall / 1000)))).toEqual([
      "permitted",
      "permitted"
    ])
})

describe("a clock that says", () => {
  for (const [what, wall] of Object.entries(lies)) {
    it(`${what} leaves D02 uncertain`, () =>
      expect(keyActive.decide({ publicKey: KEY, status: "active", expiresAt: null, now: wall * 1000 })).toMatchObject({
        left: { point: "D02", certainty: "uncertain", reason: { status: 503, note: "not known: now" } }
      }))

    it(`${what} from the start lets nobody in, whatever the timestamp`, () => {
      const clock = TrustedClock.start({ wall, monotonic: 5_000 })
      for (const timestamp of [String(NOW), "0", String(Math.floor(wall / 1000))])
        expect(refusedBy(timestampFresh.decide({ timestamp, clock }))).toBe("D04 uncertain")
      expect(outcome(clock)).toEqual(doubt)
    })

    it(`${what} all at once lets nobody in, nor when it is right again`, () => {
      const jumped = TrustedClock.observe(sound, { wall, monotonic: 6_000 })
      expect(outcome(jumped)).toEqual(doubt)
      const back = TrustedClock.observe(jumped, { wall: begin.wall + 2_000, monotonic: 7_000 })
      expect(outcome(back)).toEqual(doubt)
    })

    it(`${what} in a sample that nobody folded in is found out all the same`, () => {
      for (const [anchor, last] of [
        [begin, { wall, monotonic: 6_000 }],
        [{ wall, monotonic: 5_000 }, begin]
      ] as const)
        expect(outcome({ anchor, last, parted: undefined })).toEqual(doubt)
    })
  }
})

describe("a clock that is turned back", () => {
  const expired = (NOW - 3_600) * 1_000_000
  it("revives no expired key", () => {
    expect(outcome(sound, expired)).toEqual(["D02 refused", "D02 refused"])
    const turned = TrustedClock.observe(sound, { wall: begin.wall - DAY, monotonic: 6_000 })
    expect(outcome(turned, expired, String(NOW - DAY / 1000))).toEqual(doubt)
  })
  it("revives no old signature", () => {
    const old = String(NOW - 400)
    expect(outcome(sound, null, old)[0]).toBe("D04 refused")
    const turned = TrustedClock.observe(sound, { wall: begin.wall - 400_000, monotonic: 6_000 })
    expect(outcome(turned, null, old)).toEqual(doubt)
  })
  it("is noticed by its monotonic half too", () => {
    const last = { wall: begin.wall, monotonic: begin.monotonic - 1 }
    expect(outcome({ anchor: begin, last, parted: undefined })).toEqual(doubt)
  })
})

describe("a clock that parted", () => {
  const by = (byMillis: number) => ({ anchor: begin, last: begin, parted: { at: 1, byMillis } })
  it("says how far, to the log and to nobody else", () => {
    const refused = Either.getOrThrow(
      Either.flip(timestampFresh.decide({ timestamp: String(NOW), clock: by(-1234.4) }))
    )
    expect(refused.reason).toMatchObject({
      code: "invalid_timestamp",
      status: 503,
      retryAfterSeconds: 60,
      note: "the wall clock parted from the monotonic one by -1234 ms"
    })
    expect(refused.message).toMatch(/clock has just been set.*Try again in a few minutes/)
    expect(refused.message).not.toContain("1234")
  })
  it("is in doubt at any distance, told or not", () => {
    for (const millis of [0, Number.NaN, Number.POSITIVE_INFINITY]) expect(outcome(by(millis))).toEqual(doubt)
  })
  it("is not known when nobody can tell by how much", () => {
    for (const parted of [{ at: 1, byMillis: "far" }, { at: Number.NaN, byMillis: 1 }, {}, null])
      expect(
        points.find(({ point }) => point === "D04")?.decide({ timestamp: String(NOW), clock: { ...sound, parted } })
      ).toMatchObject({
        left: { certainty: "uncertain", reason: { note: "not known: clock" } }
      })
  })
  it("says so when only its samples tell", () => {
    const clock = { anchor: begin, last: { wall: begin.wall, monotonic: 50_000 }, parted: undefined }
    expect(timestampFresh.decide({ timestamp: String(NOW), clock })).toMatchObject({
      left: { reason: { status: 503, note: "the clock's own samples contradict it" } }
    })
  })
})

describe("a lie about time makes uncertain", () => {
  const row = (point: DecisionPoint) => points.find((one) => one.point === point)
  const decided = (point: DecisionPoint, changes: object) => {
    const found = row(point)
    return found === undefined ? "no such row" : refusedBy(found.decide({ ...found.facts, ...changes }))
  }
  const micros = Object.values(lies).map((millis) => millis * 1_000)

  it("D05, when what is to be remembered is forgotten while it is valid", () => {
    for (const remembersUntil of [0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, (NOW + 300) * 1_000 - 1])
      expect(decided("D05", { remembersUntil })).toBe("D05 uncertain")
    expect(decided("D05", { remembersUntil: (NOW + 300) * 1_000 })).toBe("permitted")
    for (const validUntil of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_VALUE, (NOW + 900) * 1_000])
      expect(decided("D05", { validUntil })).toBe("D05 uncertain")
  })

  it("D05, when its moments are of no year that a clock of ours has known", () => {
    const early = NOW * 1_000
    for (const lie of Object.values(lies)) {
      expect(decided("D05", { remembersUntil: lie, validUntil: lie })).toBe("D05 uncertain")
      expect(decided("D05", { remembersUntil: lie, validUntil: early })).toBe("D05 uncertain")
      expect(decided("D05", { memory: "seen", validUntil: lie })).toBe("D05 uncertain")
    }
    const edges = [Date.UTC(2020, 0), Date.UTC(2200, 0) - 1]
    for (const at of edges) expect(decided("D05", { remembersUntil: at, validUntil: at })).toBe("permitted")
  })

  it("D06, when its clocks part or what is known of it lies in the far future", () => {
    for (const ahead of [Number.NaN, -1, Number.MAX_SAFE_INTEGER, FURTHEST_MICROS + 1])
      expect(decided("D06", { ahead })).toBe("D06 uncertain")
    expect(decided("D06", { ahead: FURTHEST_MICROS })).toBe("permitted")
    expect(decided("D06", { clockTrusted: false })).toBe("D06 uncertain")
  })

  it("D21, whatever was answered", () => {
    for (const now of micros) expect(decided("D21", { now })).toBe("D21 uncertain")
    expect(decided("D21", { steady: false })).toBe("D21 uncertain")
  })

  it("D21, when the challenge was made by a clock that is ahead of this one", () => {
    const made = (expiresAt: number) => {
      const challenge = { challenge: "unsb-challenge-1", about: action, channel: "console", expiresAt }
      const answered = decided("D21", { answer: { outcome: "right", challenge, attemptsLeft: 5 } })
      return [answered, decided("D21", { answer: undefined, offered: challenge })]
    }
    const latest = NOW * 1_000_000 + LIFE_MICROS
    expect(made(latest)).toEqual(["permitted", "D21 refused"])
    expect(made(latest + 1)).toEqual(["D21 uncertain", "D21 uncertain"])
    expect(made(NOW * 1_000_000)[0]).toBe("D21 refused")
  })
})
