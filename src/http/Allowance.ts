/** What a key may keep: D09, around the making of what is kept. */
import { Context, Effect, Layer } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import { type Entitlement, entitlementOf } from "../guards/Entitlement.js"
import type { Refused } from "../guards/Guard.js"
import { type Quota, quotaWithin } from "../guards/QuotaWithin.js"
import { KeptTable, type Kind } from "../projections/KeptTable.js"
import { type KeyRecord, KeyTable } from "../projections/KeyTable.js"
import * as Asking from "./Asking.js"

export class Allowance extends Context.Tag("http/Allowance")<
  Allowance,
  {
    /** What is on its way counts, so that several at once do not pass together. */
    readonly within: (
      kind: Kind,
      asking: Asking.Asking
    ) => <A, E, R>(making: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Refused, R>
  }
>() {}

const bounds: { readonly [K in Kind]: (entitlement: Entitlement) => number } = {
  service: ({ services }) => services,
  snapshot: ({ snapshots }) => snapshots,
  image: ({ images }) => images
}

const make = Effect.gen(function* () {
  const guarding = yield* Asking.make
  const keys = yield* KeyTable
  const kept = yield* KeptTable
  const underway = new Map<string, number>()
  const turn = yield* Effect.makeSemaphore(1)

  const change = (kind: Kind, line: ReadonlyArray<KeyRecord>, by: 1 | -1) =>
    Effect.sync(() => {
      for (const { key } of line) {
        const name = `${kind} ${key}`
        const now = (underway.get(name) ?? 0) + by
        if (now === 0) underway.delete(name)
        else underway.set(name, now)
      }
    })

  const share = (kind: Kind, record: KeyRecord) =>
    Effect.gen(function* () {
      const { bytes, count } = yield* kept.of(kind, yield* keys.family(record.key))
      const entitlement = entitlementOf(record)
      const others = underway.get(`${kind} ${record.key}`) ?? 0
      const publicKey: PublicKey = record.key
      const most = bounds[kind](entitlement)
      return { publicKey, kept: count + others, most, keptBytes: bytes, mostBytes: entitlement.keptBytes }
    })

  const permit = (kind: Kind, line: ReadonlyArray<KeyRecord>, asking: Asking.Asking) => {
    const facts: Effect.Effect<Quota, unknown> = Effect.map(
      Effect.forEach(line, (record) => share(kind, record)),
      (shares) => ({ kind, shares })
    )
    return guarding.check(quotaWithin, facts, asking)
  }

  return Allowance.of({
    within: (kind, asking) => (making) => {
      const line = [asking.caller.key, ...asking.caller.key.line]
      // One after the other: whoever is refused does not count against the next.
      const admitted = turn.withPermits(1)(Effect.zipLeft(permit(kind, line, asking), change(kind, line, 1)))
      return Effect.acquireUseRelease(
        admitted,
        () => making,
        () => change(kind, line, -1)
      )
    }
  })
})

export const layer = Layer.effect(Allowance, make)
