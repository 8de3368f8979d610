/** Verifies: a service holds one slot of its owner's while it runs or is about to, none while it rests, whatever happens to it. */
import { Effect, Either } from "effect"
import * as fc from "fast-check"
import { describe, expect } from "vitest"
import type { ServiceId } from "../../../events/Ids.js"
import { ServiceTable } from "../../../src/projections/ServiceTable.js"
import { live } from "../../support/it.js"
import { slotsOf } from "../../support/slots.js"
import { ann, becomes, inScript } from "../world.js"
import { consent, files, is, order, owned, type Running, running, unlocked, viewOf } from "./running.js"

const LIMIT = 2

const here = (concurrency = LIMIT, deepFreezeMillis = 3_600_000) =>
  Effect.flatMap(slotsOf(concurrency), (slots) =>
    running({ maximum: 8, capacityBytes: 32 * 256 * 2 ** 20 }, deepFreezeMillis, slots)
  )

/** Those that run, or are about to, as the tables have it. */
const counted = Effect.flatMap(ServiceTable, ({ active }) =>
  Effect.map(active, (all) => all.filter(({ state }) => state !== "frozen").length)
)

const refused = { point: "D07", reason: { status: 429, code: "concurrency_limit_reached" } }

describe("a service's slot", () => {
  live("is free again while it rests, and it stays at rest when none is", () =>
    inScript(() =>
      Effect.gen(function* () {
        const { services, slots } = yield* here()
        const [a, b] = [yield* services.create(order("a")), yield* services.create(order("b"))]
        expect(yield* Effect.flip(services.create(order("c")))).toMatchObject(refused)
        yield* Effect.all([is(a, "running"), is(b, "running")])
        yield* services.freeze(owned(a))
        const c = yield* services.create(order("c"))
        yield* is(c, "running")
        const denied = yield* Effect.flip(services.unfreeze(owned(a)))
        expect(denied).toMatchObject({
          ...refused,
          reason: { details: { active_executions: LIMIT, concurrency_limit: LIMIT, wanted: 1 } }
        })
        expect((yield* viewOf(a)).state).toBe("frozen")
        yield* services.destroy(owned(b), unlocked(b), consent(b))
        yield* services.unfreeze(owned(a))
        expect(slots.active(ann)).toBe(LIMIT)
      })
    )
  )

  live("is needed to wake it for a visitor, who is told why it is not", () =>
    inScript(() =>
      Effect.gen(function* () {
        const { services, slots } = yield* here(1)
        const asleep = yield* services.create(order("a", { unfreeze_on_demand: true }))
        yield* is(asleep, "running")
        yield* services.freeze(owned(asleep))
        const other = yield* services.create(order("b"))
        const all = yield* Effect.all(
          Array.from({ length: 20 }, () => Effect.flip(services.awake(asleep))),
          { concurrency: "unbounded" }
        )
        for (const { reason, state } of all) {
          expect(state).toBe("frozen")
          expect(reason).toContain("1 of 1 concurrency slot in use")
        }
        expect((yield* viewOf(asleep)).state).toBe("frozen")
        yield* services.destroy(owned(other), unlocked(other), consent(other))
        expect((yield* services.awake(asleep)).service).toBe(asleep)
        expect(slots.active(ann)).toBe(1)
      })
    )
  )

  live("is not kept by what was never made, nor by what has failed", () =>
    inScript((script, world) =>
      Effect.gen(function* () {
        const { services, slots } = yield* here(1)
        world.faults.plan("ServiceCreated", "no")
        expect(Either.isLeft(yield* Effect.either(services.create(order("a"))))).toBe(true)
        expect(slots.active(ann)).toBe(0)
        world.faults.heal()
        const service = yield* services.create(order("a"))
        yield* is(service, "running")
        script.alive.find(({ launched }) => launched.length > 0)?.launched[0]?.end({ how: "exited", code: 3 })
        yield* is(service, "failed")
        yield* becomes(Effect.sync(() => slots.active(ann) === 0))
        yield* services.redeploy(owned(service), unlocked(service), consent(service), { bootstrap: undefined, files })
        expect(slots.active(ann)).toBe(1)
      })
    )
  )

  for (const seed of [1, 2, 3])
    live(
      `is counted as the tables have it, after anything (${seed})`,
      () =>
        inScript((script, world) =>
          Effect.gen(function* () {
            const it = yield* here(LIMIT, 300)
            const made: Array<ServiceId> = []
            for (const one of steps(seed)) {
              if (one.mishap === "died") script.alive.find(({ launched }) => launched.length > 0)?.end("died")
              if (one.mishap === "doubt") world.faults.plan("ServiceFrozen", "unknown")
              if (one.mishap === "lose") world.faults.plan("ServiceStarted", "no")
              const acts = one.acts.map((act, index) =>
                Effect.ignore(Effect.timeoutOption(does(it, made, act, index), 200))
              )
              yield* Effect.all(acts, { concurrency: "unbounded", discard: true })
              world.faults.heal()
              expect(it.slots.active(ann)).toBeLessThanOrEqual(LIMIT)
            }
            yield* becomes(Effect.map(counted, (count) => count === it.slots.active(ann)))
            for (const service of made)
              yield* Effect.ignore(it.services.destroy(owned(service), unlocked(service), consent(service)))
            yield* becomes(Effect.sync(() => it.slots.active(ann) === 0))
          })
        ),
      60_000
    )
})

const kinds = ["create", "freeze", "unfreeze", "awake", "redeploy", "destroy"] as const
interface Act {
  readonly who: number
  readonly what: (typeof kinds)[number]
}

const steps = (seed: number) =>
  fc.sample(
    fc.record({
      acts: fc.array(fc.record<Act>({ who: fc.nat(5), what: fc.constantFrom(...kinds) }), {
        minLength: 1,
        maxLength: 4
      }),
      mishap: fc.constantFrom("none", "none", "died", "doubt", "lose")
    }),
    { seed, numRuns: 40 }
  )

const does = (
  { services }: Running,
  made: Array<ServiceId>,
  { what, who }: Act,
  index: number
): Effect.Effect<unknown, unknown> => {
  const service = made[who % Math.max(1, made.length)]
  if (what === "create" || service === undefined) {
    const name = `s${made.length}-${index}-${who}`
    return Effect.map(services.create(order(name, { unfreeze_on_demand: true })), (one) => made.push(one))
  }
  const mine = owned(service)
  switch (what) {
    case "freeze":
      return services.freeze(mine)
    case "unfreeze":
      return services.unfreeze(mine)
    case "awake":
      return services.awake(service)
    case "redeploy":
      return services.redeploy(mine, unlocked(service), consent(service), { bootstrap: undefined, files })
    case "destroy":
      return services.destroy(mine, unlocked(service), consent(service))
  }
}
