/** Anything, in any order, with a log and a substrate that fail now and then: nothing is lost and nothing is stuck. */
import { Effect } from "effect"
import * as fc from "fast-check"
import { describe, expect } from "vitest"
import type { ServiceId } from "../../../events/Ids.js"
import { live } from "../../support/it.js"
import { refusal } from "../scripted.js"
import { becomes, inScript } from "../world.js"
import { consent, files, order, owned, type Running, running, unlocked, viewOf } from "./running.js"

const acts = ["freeze", "unfreeze", "redeploy", "awake", "look", "lock", "unlock", "resize"] as const
const mishaps = ["died", "exit", "lose the log", "doubt the log", "no keeping", "all well"] as const

const act = (
  { services }: Running,
  service: ServiceId,
  what: (typeof acts)[number]
): Effect.Effect<unknown, unknown> => {
  const [mine, open] = [owned(service), unlocked(service)]
  switch (what) {
    case "freeze":
      return services.freeze(mine)
    case "unfreeze":
      return services.unfreeze(mine)
    case "redeploy":
      return services.redeploy(mine, open, consent(service), { bootstrap: undefined, files })
    case "awake":
      return services.awake(service)
    case "look":
      return services.quiesced(mine, false, () => Effect.sleep("5 millis"))
    case "lock":
      return services.lock(mine)
    case "unlock":
      return services.unlock(mine, consent(service))
    case "resize":
      return services.change(mine, open, { vcpu: 2 })
  }
}

const steps = (seed: number) =>
  fc.sample(
    fc.record({
      who: fc.nat(3),
      what: fc.constantFrom(...acts),
      mishap: fc.constantFrom(...mishaps),
      often: fc.nat(9)
    }),
    { seed, numRuns: 80 }
  )

describe("services", () => {
  for (const seed of [1, 2, 3])
    live(
      `come to rest after anything (${seed})`,
      () =>
        inScript((script, world) =>
          Effect.gen(function* () {
            const it = yield* running({ maximum: 8, capacityBytes: 32 * 256 * 2 ** 20 }, 400)
            const all = yield* Effect.forEach(["a", "b", "c", "d"], (name) =>
              it.services.create(order(name, { unfreeze_on_demand: true }))
            )
            const mishap = (what: (typeof mishaps)[number]) => {
              const housed = script.alive.filter(({ launched }) => launched.length > 0)
              if (what === "died") housed[0]?.end("died")
              if (what === "exit") housed[0]?.launched[0]?.end({ how: "signalled", code: 9 })
              if (what === "lose the log") world.faults.plan("ServiceStarted", "no")
              if (what === "doubt the log") world.faults.plan("ServiceFrozen", "unknown")
              script.keeping = what === "no keeping" ? Effect.fail(refusal) : Effect.void
            }
            yield* Effect.forEach(
              steps(seed),
              ({ mishap: bad, often, what, who }) =>
                Effect.suspend(() => {
                  if (often === 0) mishap(bad)
                  const service = all[who]
                  if (service === undefined) return Effect.void
                  return Effect.ignore(Effect.timeoutOption(act(it, service, what), "300 millis"))
                }),
              { concurrency: 4, discard: true }
            )
            world.faults.heal()
            script.keeping = Effect.void
            for (const service of all) {
              yield* it.services.unlock(owned(service), consent(service))
              yield* it.services.redeploy(owned(service), unlocked(service), consent(service), {
                bootstrap: undefined,
                files
              })
              yield* becomes(Effect.map(viewOf(service), ({ state }) => state === "running"))
            }
            expect(script.alive.filter(({ launched }) => launched.length > 0)).toHaveLength(all.length)
            yield* Effect.forEach(all, (service) =>
              it.services.destroy(owned(service), unlocked(service), consent(service))
            )
            yield* becomes(
              Effect.map(
                Effect.all([it.actors.size, it.keepers.size, Effect.map(it.status, ({ busy }) => busy)]),
                (left) => left.every((count) => count === 0)
              )
            )
            expect(script.alive.filter(({ launched }) => launched.length > 0)).toEqual([])
          })
        ),
      60_000
    )
})
