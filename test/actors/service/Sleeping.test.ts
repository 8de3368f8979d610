import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Deferred, Effect, Fiber } from "effect"
import { describe, expect } from "vitest"
import { stream } from "../../../events/Envelope.js"
import { ServiceId } from "../../../events/Ids.js"
import type { ServiceEvent } from "../../../events/Service.js"
import { EventLog } from "../../../src/log/EventLog.js"
import { live } from "../../support/it.js"
import { ann, becomes, inScript } from "../world.js"
import * as It from "./facts.js"
import { consent, is, order, owned, running, typesOf, unlocked, viewOf } from "./running.js"

const wakeful = { unfreeze_on_demand: true }

describe("a frozen service", () => {
  live("is thawed once for a thousand visitors", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const { services } = yield* running()
        const service = yield* services.create(order("shop", wakeful))
        yield* is(service, "running")
        yield* services.freeze(owned(service))
        const box = script.boxes.find(({ launched }) => launched.length > 0)
        expect(box?.frozen).toBe(true)
        const all = yield* Effect.all(
          Array.from({ length: 1_000 }, () => services.awake(service)),
          { concurrency: "unbounded" }
        )
        expect(all.map((one) => one.service)).toEqual(Array(1_000).fill(service))
        expect(box?.frozen).toBe(false)
        expect((yield* typesOf(`service/${service}`)).filter((type) => type === "ServiceThawed")).toHaveLength(1)
      })
    )
  )

  live("is thawed also when the first visitor leaves at once", () =>
    inScript(() =>
      Effect.gen(function* () {
        const { services } = yield* running()
        const service = yield* services.create(order("shop", wakeful))
        yield* is(service, "running")
        yield* services.freeze(owned(service))
        const hasty = yield* Effect.fork(services.awake(service))
        yield* Effect.yieldNow()
        const patient = yield* Effect.fork(services.awake(service))
        yield* Fiber.interrupt(hasty)
        expect((yield* Fiber.join(patient)).service).toBe(service)
      })
    )
  )

  live("does not wake for visitors where its owner does not want it, nor when it was destroyed", () =>
    inScript(() =>
      Effect.gen(function* () {
        const { services } = yield* running()
        const service = yield* services.create(order("shop"))
        yield* is(service, "running")
        yield* services.freeze(owned(service))
        expect(yield* Effect.flip(services.awake(service))).toMatchObject({ _tag: "NotAwake", state: "frozen" })
        yield* services.destroy(owned(service), unlocked(service), consent(service))
        expect(yield* Effect.flip(services.awake(service))).toMatchObject({ _tag: "NotAwake", state: "destroyed" })
        expect((yield* typesOf(`service/${service}`)).includes("ServiceThawed")).toBe(false)
      })
    )
  )

  live("sleeps deeply after a while, and starts from its root for a visitor", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const { actors, keepers, services, status } = yield* running({}, 300)
        const service = yield* services.create(order("shop", wakeful))
        yield* is(service, "running")
        yield* services.freeze(owned(service))
        yield* becomes(Effect.map(viewOf(service), ({ deep }) => deep))
        yield* becomes(Effect.map(status, ({ busy }) => busy === 0))
        yield* becomes(Effect.map(Effect.all([keepers.size, actors.size]), ([a, b]) => a + b === 0))
        yield* services.awake(service)
        expect(script.alive.filter(({ launched }) => launched.length > 0)).toHaveLength(1)
        expect((yield* viewOf(service)).state).toBe("running")
      })
    )
  )

  live("whose container is lost is one that sleeps deeply", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const { services } = yield* running()
        const service = yield* services.create(order("shop"))
        yield* is(service, "running")
        yield* services.freeze(owned(service))
        for (const box of script.boxes.filter(({ launched }) => launched.length > 0)) box.end("died")
        yield* becomes(Effect.map(viewOf(service), ({ deep }) => deep))
        yield* services.unfreeze(owned(service))
        expect((yield* viewOf(service)).state).toBe("running")
      })
    )
  )
})

const sleeper = (n: number) => {
  const service = ServiceId.make(`unsb-service-${n.toString(16).padStart(16, "0")}`)
  const events: ReadonlyArray<ServiceEvent> = [
    { _tag: "ServiceCreated", ...It.creation, service, owner: ann, name: `sleeper-${n}` },
    { _tag: "ServiceStarted", service, container: It.container },
    { _tag: "ServiceFrozen", service, hold: null },
    { _tag: "ServiceDeepFrozen", service }
  ]
  return { service, draft: { stream: stream("service", service), expected: 0, events, by: "root/test" } }
}

setFlagsFromString("--expose-gc")
const collect: unknown = runInNewContext("gc")

const heap = () => {
  if (typeof collect !== "function") throw new Error("no garbage collector to call")
  collect()
  return process.memoryUsage().heapUsed
}

describe("a thousand that sleep deeply", () => {
  live("have no fiber, no actor and no memory here, and any of them wakes for a visitor", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const log = yield* EventLog
        const sleepers = Array.from({ length: 1_000 }, (_, n) => sleeper(n))
        yield* Effect.forEach(sleepers, ({ draft }) => log.append(draft), { concurrency: "unbounded", discard: true })
        const before = heap()
        const { actors, keepers, services } = yield* running({}, 300)
        // Several rounds of the sweep look at them meanwhile.
        yield* Effect.sleep("1 second")
        expect(yield* Effect.all([keepers.size, actors.size, services.active])).toEqual([0, 0, 0])
        expect((heap() - before) / sleepers.length).toBeLessThan(8_192)
        expect(script.boxes.filter(({ launched }) => launched.length > 0)).toEqual([])
        const chosen = sleepers[500]?.service ?? It.service
        expect((yield* services.awake(chosen)).service).toBe(chosen)
        expect(yield* Effect.all([keepers.size, actors.size, services.active])).toEqual([1, 1, 1])
      })
    )
  )
})

describe("what looks at a root", () => {
  live("finds the service still, and lets it go on afterwards, whatever becomes of it", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const { services } = yield* running()
        const service = yield* services.create(order("shop"))
        yield* is(service, "running")
        const box = script.boxes.find(({ launched }) => launched.length > 0)
        const seen = yield* services.quiesced(owned(service), false, (directory) =>
          Effect.sync(() => [directory.endsWith(service), box?.frozen])
        )
        expect(seen).toEqual([true, true])
        yield* becomes(Effect.sync(() => box?.frozen === false))
        yield* Effect.exit(services.quiesced(owned(service), false, () => Effect.die("boom")))
        yield* becomes(Effect.sync(() => box?.frozen === false))
        expect(yield* services.quiesced(owned(service), true, () => Effect.sync(() => box?.frozen))).toBe(false)
        expect(yield* typesOf(`service/${service}`)).toEqual(["ServiceCreated", "ServiceStarted"])
      })
    )
  )

  live("keeps a sleeper from waking until it is done, and the visitor waits", () =>
    inScript(() =>
      Effect.gen(function* () {
        const { services } = yield* running({}, 300)
        const service = yield* services.create(order("shop", wakeful))
        yield* is(service, "running")
        yield* services.freeze(owned(service))
        yield* becomes(Effect.map(viewOf(service), ({ deep }) => deep))
        const [begun, gate] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const body = Effect.zipRight(Deferred.succeed(begun, undefined), Deferred.await(gate))
        const looking = yield* Effect.fork(services.quiesced(owned(service), false, () => body))
        yield* Deferred.await(begun)
        const visitor = yield* Effect.fork(services.awake(service))
        yield* is(service, "starting")
        yield* Effect.sleep("200 millis")
        expect((yield* viewOf(service)).state).toBe("starting")
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(looking)
        yield* Fiber.join(visitor)
        expect((yield* viewOf(service)).state).toBe("running")
      })
    )
  )
})
