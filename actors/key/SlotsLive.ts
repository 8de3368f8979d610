/** Slots counted in memory: who holds what follows from what runs, so a start counts anew. */
import { Effect, Either, Layer, Option } from "effect"
import { type Concurrency, concurrencyWithin } from "../../src/guards/ConcurrencyWithin.js"
import { entitlementOf } from "../../src/guards/Entitlement.js"
import { enforce, type Refused } from "../../src/guards/Guard.js"
import { Refusals } from "../../src/guards/Refusals.js"
import { type KeyRecord, KeyTable } from "../../src/projections/KeyTable.js"
import { type Lease, Slots } from "./Slots.js"

const unreadable = concurrencyWithin.doubt("the key's record cannot be read")
const over = concurrencyWithin.doubt("what asks for a slot has ended")

class Counts {
  private readonly active = new Map<string, number>()

  of(key: string): number {
    return this.active.get(key) ?? 0
  }

  change(line: ReadonlyArray<string>, by: number): void {
    for (const key of line) {
      const count = this.of(key) + by
      if (count === 0) this.active.delete(key)
      else this.active.set(key, count)
    }
  }
}

/** All of the line have room for so many more, or the first one that has not says so. */
const weigh = (record: KeyRecord, counts: Counts, wanted: number): Either.Either<unknown, Refused> => {
  for (const one of [record, ...record.line]) {
    const [active, limit] = [counts.of(one.key), entitlementOf(one).concurrency]
    const facts: Concurrency = { publicKey: one.key, shared: one !== record, active, wanted, limit }
    const decided = concurrencyWithin.decide(facts)
    if (Either.isLeft(decided)) return decided
  }
  return Either.void
}

export const make = (find: KeyTable["Type"]["find"]) =>
  Effect.map(Refusals, (refusals) => {
    const counts = new Counts()

    const recordOf = (owner: string) =>
      Effect.orElseSucceed(Effect.map(find(owner), Option.getOrUndefined), () => undefined)

    const leaseOn = (owner: string, born: KeyRecord | undefined, doing: string): Lease => {
      // Forebears never change; what they may have does, and is asked for each time.
      const line = [owner, ...(born?.line ?? []).map(({ key }) => key)]
      let [held, ended] = [0, false]
      const become = (slots: number) => {
        counts.change(line, slots - held)
        held = slots
      }
      /** One step: what is weighed is what is taken. */
      const taken = (record: KeyRecord | undefined, slots: number): Either.Either<unknown, Refused> => {
        if (ended) return Either.left(over)
        if (born === undefined || record === undefined) return Either.left(unreadable)
        const decided = slots > held ? weigh(record, counts, slots - held) : Either.void
        if (Either.isRight(decided)) become(slots)
        return decided
      }
      return {
        take: (slots) =>
          Effect.flatMap(recordOf(owner), (record) => {
            const decided = taken(record, slots)
            if (Either.isRight(decided)) return Effect.void
            const told = Effect.asVoid(enforce(decided, { principal: owner, action: doing }))
            return Effect.provideService(told, Refusals, refusals)
          }),
        hold: (slots) => {
          if (!ended) become(slots)
        },
        end: () => {
          become(0)
          ended = true
        }
      }
    }

    return Slots.of({
      lease: (owner, doing) => Effect.map(recordOf(owner), (record) => leaseOn(owner, record, doing)),
      active: (key) => counts.of(key)
    })
  })

export const layer = Layer.effect(
  Slots,
  Effect.flatMap(KeyTable, ({ find }) => make(find))
)
