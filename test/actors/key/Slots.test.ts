/** Verifies: what runs for a key and its children never takes more slots than any of them has, and gives each of them back. */
import { Effect, Either, Option } from "effect"
import * as fc from "fast-check"
import { describe, expect } from "vitest"
import type { Lease } from "../../../actors/key/Slots.js"
import * as SlotsLive from "../../../actors/key/SlotsLive.js"
import { noLimits } from "../../../events/Grants.js"
import type { Refused } from "../../../src/guards/Guard.js"
import { Refusals } from "../../../src/guards/Refusals.js"
import { LogUnavailable } from "../../../src/log/EventLog.js"
import type { KeyRecord } from "../../../src/projections/KeyTable.js"
import { live } from "../../support/it.js"
import { unlimited } from "../../support/slots.js"

const keyOf = (name: string) => `unsb-pk-test-0000-0000-${name}`
const [PARENT, CHILD, SIBLING] = [keyOf("aaaa"), keyOf("bbbb"), keyOf("cccc")]

const recordOf = (key: string, concurrency: number, line: ReadonlyArray<KeyRecord> = []): KeyRecord => ({
  ...unlimited(key),
  limits: { ...noLimits, concurrency },
  line
})

/** A parent with so many slots, and two children who each have so many by themselves. */
const family = (parents: number, childrens: number) => {
  const parent = recordOf(PARENT, parents)
  const children = [CHILD, SIBLING].map((key) => recordOf(key, childrens, [parent]))
  return new Map([parent, ...children].map((record) => [String(record.key), record]))
}

const slotsOver = (records: ReadonlyMap<string, KeyRecord>) => {
  const told: Array<Refused> = []
  const refusals = { note: (refused: Refused) => Effect.sync(() => void told.push(refused)) }
  const made = SlotsLive.make((key) => Effect.succeed(Option.fromNullable(records.get(key))))
  return Effect.map(Effect.provideService(made, Refusals, refusals), (slots) => ({ slots, told }))
}

describe("slots", () => {
  live("are refused when none is free, with how many are in use, and told", () =>
    Effect.gen(function* () {
      const { slots, told } = yield* slotsOver(family(3, 2))
      const [one, other] = [yield* slots.lease(CHILD, "run a job"), yield* slots.lease(CHILD, "run a job")]
      yield* one.take(2)
      const refused = yield* Effect.flip(other.take(1))
      expect(refused).toMatchObject({
        point: "D07",
        certainty: "refused",
        reason: {
          code: "concurrency_limit_reached",
          status: 429,
          details: { active_executions: 2, concurrency_limit: 2, wanted: 1 }
        }
      })
      expect(told).toEqual([refused])
      one.hold(1)
      yield* other.take(1)
      expect([slots.active(CHILD), slots.active(PARENT)]).toEqual([2, 2])
    })
  )

  live("of a parent are its children's as well", () =>
    Effect.gen(function* () {
      const { slots } = yield* slotsOver(family(3, 2))
      const leases = yield* Effect.forEach([CHILD, SIBLING, PARENT], (key) => slots.lease(key, "run a job"))
      const [child, sibling, parent] = leases
      yield* child?.take(2) ?? Effect.void
      yield* sibling?.take(1) ?? Effect.void
      for (const late of [sibling?.take(2), parent?.take(1)]) {
        const refused = yield* Effect.flip(late ?? Effect.dieMessage("no lease"))
        expect(refused.reason.details).toMatchObject({ active_executions: 3, concurrency_limit: 3 })
      }
      child?.end()
      yield* parent?.take(1) ?? Effect.void
      expect([PARENT, CHILD, SIBLING].map(slots.active)).toEqual([2, 0, 1])
    })
  )

  live("are not given when it is not certain that one is free", () =>
    Effect.gen(function* () {
      const unreadable = SlotsLive.make(() => new LogUnavailable({ reason: "closed", written: "no" }))
      const slots = yield* Effect.provideService(unreadable, Refusals, { note: () => Effect.void })
      const lease = yield* slots.lease(CHILD, "run a job")
      expect(yield* Effect.flip(lease.take(1))).toMatchObject({ point: "D07", certainty: "uncertain" })
      const { slots: strangers } = yield* slotsOver(family(3, 2))
      const strange = yield* strangers.lease(keyOf("zzzz"), "run a job")
      expect(yield* Effect.flip(strange.take(1))).toMatchObject({ certainty: "uncertain", reason: { status: 503 } })
      const ended = yield* strangers.lease(CHILD, "run a job")
      ended.end()
      expect(yield* Effect.flip(ended.take(1))).toMatchObject({ certainty: "uncertain" })
      ended.hold(2)
      expect(strangers.active(CHILD)).toBe(0)
    })
  )

  live("are counted exactly, whatever is taken, given back and ended", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ lease: fc.nat(8), what: fc.constantFrom("take", "hold", "end"), slots: fc.nat(3) }), {
            maxLength: 100
          }),
          (steps) => Effect.runPromise(walk(steps))
        )
      )
    )
  )
})

interface Step {
  readonly lease: number
  readonly what: "take" | "hold" | "end"
  readonly slots: number
}

const walk = (steps: ReadonlyArray<Step>) =>
  Effect.gen(function* () {
    const { slots } = yield* slotsOver(family(5, 3))
    const owners = [PARENT, CHILD, SIBLING]
    const leases: Array<readonly [owner: string, lease: Lease]> = []
    for (let index = 0; index < 9; index += 1) {
      const owner = owners[index % 3] ?? PARENT
      leases.push([owner, yield* slots.lease(owner, "run a job")])
    }
    const held = leases.map(() => 0)
    const over = new Set<number>()
    const sumOf = (...keys: ReadonlyArray<string>) =>
      leases.reduce((sum, [owner], index) => sum + (keys.includes(owner) ? (held[index] ?? 0) : 0), 0)
    const used = () => [sumOf(PARENT, CHILD, SIBLING), sumOf(CHILD), sumOf(SIBLING)]
    for (const { lease: index, slots: wanted, what } of steps) {
      const [owner, lease] = leases[index] ?? [PARENT, undefined]
      if (lease === undefined) continue
      const more = wanted - (held[index] ?? 0)
      const room = (used()[0] ?? 0) + more <= 5 && (owner === PARENT || sumOf(owner) + more <= 3)
      if (what === "take") {
        const taken = yield* Effect.either(lease.take(wanted))
        expect(Either.isRight(taken)).toBe(!over.has(index) && (more <= 0 || room))
        if (Either.isRight(taken)) held[index] = wanted
      } else if (what === "hold") {
        lease.hold(wanted)
        if (!over.has(index)) held[index] = wanted
      } else {
        lease.end()
        over.add(index)
        held[index] = 0
      }
      expect(owners.map(slots.active)).toEqual(used())
    }
    for (const [, lease] of leases) lease.end()
    expect(owners.map(slots.active)).toEqual([0, 0, 0])
  })
