/** Rates in memory, each with a reservation on disk ahead of it: a write once in a while, not once a request. */
import { Effect, Layer } from "effect"
import { entitlementOf } from "../../src/guards/Entitlement.js"
import * as Gcra from "../../src/guards/Gcra.js"
import { FURTHEST_MICROS, type Rate } from "../../src/guards/RateWithin.js"
import type { TrustedClock } from "../../src/guards/TrustedClock.js"
import type { KeyRecord } from "../../src/projections/KeyTable.js"
import { RateLedger, type Reserved } from "../../src/store/RateLedger.js"
import { Bucket, Buckets } from "./Bucket.js"
import { Rates } from "./Rates.js"

/** Keys in memory at one time; what is known of others is on disk. */
const MOST = 16_384

interface Weighed {
  readonly record: KeyRecord
  readonly bucket: Bucket
  readonly pace: Gcra.Pace
  readonly standing: Gcra.Standing
}

const paces = new WeakMap<KeyRecord, Gcra.Pace>()

const paceOf = (record: KeyRecord): Gcra.Pace => {
  const before = paces.get(record)
  if (before !== undefined) return before
  const { burst, rpm } = entitlementOf(record)
  const pace = Gcra.paceOf(rpm, burst)
  paces.set(record, pace)
  return pace
}

const nowOf = ({ last }: TrustedClock): number => Math.floor(last.wall * 1_000)

const weigh = ({ bucket, record }: Pick<Weighed, "record" | "bucket">, now: number): Weighed => {
  const pace = paceOf(record)
  bucket.follow(pace, now)
  return { record, bucket, pace, standing: Gcra.weigh(pace, bucket.tat, now) }
}

/** The one that refuses for longest, or else has least left; the key itself before its forebears. */
const nearer = (one: Weighed, { standing, ...other }: Weighed): Weighed => {
  const { remaining, retryAfter } = one.standing
  const further =
    standing.retryAfter > retryAfter || (standing.retryAfter === retryAfter && standing.remaining < remaining)
  return further ? { ...other, standing } : one
}

const nearest = (weighed: ReadonlyArray<Weighed>): Weighed => weighed.reduce(nearer)

const rateOf = ({ bucket, pace, record, standing }: Weighed, of: KeyRecord, clock: TrustedClock): Rate => {
  const now = nowOf(clock)
  const { allowed, remaining, retryAfter, tat } = standing
  return {
    publicKey: record.key,
    shared: record !== of,
    rpm: entitlementOf(record).rpm,
    burst: pace.burst,
    ...{ remaining, allowed, retryAfter },
    resetAt: Math.max(tat, now),
    ahead: Math.max(0, bucket.tat - now),
    clockTrusted: clock.parted === undefined
  }
}

export const make = (most = MOST) =>
  Effect.map(RateLedger, (ledger) => {
    const buckets = new Buckets(most)

    const bucketOf = ({ key }: KeyRecord, now: number) => {
      const here = buckets.find(key)
      if (here !== undefined) return Effect.succeed(here)
      // What is doubted is not remembered: it is read again, and may be mended by then.
      return Effect.map(ledger.read(key), (tat = 0) =>
        tat - now > FURTHEST_MICROS ? new Bucket(key, tat) : buckets.admit(key, tat)
      )
    }

    const lineOf = (record: KeyRecord, now: number) => {
      const here = buckets.find(record.key)
      if (here !== undefined && record.line.length === 0) return Effect.succeed([{ record, bucket: here }])
      return Effect.forEach([record, ...record.line], (one) =>
        Effect.map(bucketOf(one, now), (bucket) => ({ record: one, bucket }))
      )
    }

    const reserve = (moves: ReadonlyArray<Reserved & { readonly bucket: Bucket }>, now: number) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          for (const { bucket } of moves) bucket.moving += 1
        }),
        () =>
          Effect.map(ledger.reserve(moves, now), () => {
            for (const { bucket, tat } of moves) bucket.keep(tat)
          }),
        () =>
          Effect.sync(() => {
            for (const { bucket } of moves) bucket.moving -= 1
          })
      )

    // What is weighed and what is charged is one step: nobody comes in between.
    const charge: Rates["Type"]["charge"] = (record, clock) =>
      Effect.flatMap(lineOf(record, nowOf(clock)), (line) => {
        const now = nowOf(clock)
        const weighed = line.map((one) => weigh(one, now))
        const rate = rateOf(nearest(weighed), record, clock)
        if (!rate.clockTrusted || !rate.allowed) return Effect.succeed(rate)
        const moves = weighed.flatMap(({ bucket, pace, standing }) => {
          const tat = bucket.charge(standing, pace)
          return tat === undefined ? [] : [{ bucket, key: bucket.key, tat }]
        })
        return moves.length === 0 ? Effect.succeed(rate) : Effect.as(reserve(moves, now), rate)
      })

    const look: Rates["Type"]["look"] = (record, clock) =>
      Effect.map(lineOf(record, nowOf(clock)), (line) => {
        const now = nowOf(clock)
        const told = nearest(line.map((one) => weigh(one, now)))
        const { bucket, pace } = told
        const rate = rateOf(told, record, clock)
        return { ...rate, remaining: Gcra.remaining(pace, bucket.tat, now), resetAt: Math.max(bucket.tat, now) }
      })

    return Rates.of({ charge, look })
  })

export const layer = Layer.effect(Rates, make())
