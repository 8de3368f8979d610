import { Effect, Either, Exit, Fiber } from "effect"
import { describe, expect } from "vitest"
import * as ContainerActor from "../../../actors/container/ContainerActor.js"
import type { Live } from "../../../actors/container/ContainerProcess.js"
import { Budget } from "../../../actors/pool/Budget.js"
import * as Line from "../../../actors/pool/Line.js"
import * as Shelf from "../../../actors/pool/Shelf.js"
import { capacityAvailable } from "../../../src/guards/CapacityAvailable.js"
import * as Actor from "../../../src/kernel/Actor.js"
import { MemoryLog } from "../../kernel/MemoryLog.js"
import * as H from "../../support/history.js"
import { effect } from "../../support/it.js"
import { sealed } from "../../support/permits.js"
import { Script } from "../scripted.js"
import { limits } from "../world.js"

const script = new Script()
const log = new MemoryLog().service

const container = (n: number): Live => {
  const id = H.containerId(n)
  const actor = Actor.on(log, ContainerActor.definition(id, "zerotrust", true))
  const fresh = { asked: "shutdown", kept: false, left: false } as const
  return { id, container: script.box(limits), actor, sealed: sealed(id, limits), ...fresh }
}

const CAPACITY = 10

const patience = (askedBytes: number, waitedMillis: number) =>
  capacityAvailable.decide({
    pool: "zerotrust",
    promisedBytes: 0,
    askedBytes,
    capacityBytes: CAPACITY,
    waiting: 0,
    waitingMaximum: 10,
    waitedMillis,
    queueMillis: 1_000
  })

const line = () => {
  const shelf = Shelf.make(new Budget(), (promised, asked) => promised + asked <= CAPACITY)
  return { shelf, line: Line.make(shelf, patience) }
}

describe("line", () => {
  effect("serves who waits", () =>
    Effect.gen(function* () {
      const { line: queue, shelf } = line()
      const waiting = yield* Effect.fork(queue.wait("a", 1, 0))
      yield* Effect.yieldNow()
      const live = container(1)
      shelf.put(live)
      expect(yield* Fiber.join(waiting)).toBe(live)
      expect(shelf.counts()).toEqual({ idle: 0, busy: 1, lingering: 0, waiting: 0, promisedBytes: 1 })
    })
  )

  effect("refuses those whose patience is over, and only those", () =>
    Effect.gen(function* () {
      const { line: queue, shelf } = line()
      const early = yield* Effect.fork(Effect.either(queue.wait("a", 1, 0)))
      const late = yield* Effect.fork(Effect.either(queue.wait("b", 1, 500)))
      yield* Effect.yieldNow()
      queue.expire(1_000.5)
      expect(Either.getLeft(yield* Fiber.join(early))).toMatchObject({ value: { reason: { code: "no_capacity" } } })
      expect(shelf.counts().waiting).toBe(1)
      shelf.put(container(1))
      expect(Either.isRight(yield* Fiber.join(late))).toBe(true)
      queue.expire(10_000)
      expect(shelf.counts()).toMatchObject({ busy: 1, waiting: 0 })
    })
  )

  effect("loses nobody's place and nobody's container to an interruption, before or after it is served", () =>
    Effect.gen(function* () {
      const { line: queue, shelf } = line()
      for (const served of [false, true]) {
        const leaver = yield* Effect.fork(queue.wait("a", 1, 0))
        const stayer = yield* Effect.fork(queue.wait("b", 1, 0))
        yield* Effect.yieldNow()
        const live = container(1)
        if (served) shelf.put(live)
        const left = yield* Fiber.interrupt(leaver)
        if (!served) shelf.put(live)
        // Interrupted in the very moment that it was served, it either has the container or has given it back.
        const got = Exit.isSuccess(left) ? left.value : yield* Fiber.join(stayer)
        expect(got).toBe(live)
        expect(shelf.counts().busy).toBe(1)
        shelf.drop(live)
        yield* Fiber.interrupt(stayer)
        expect(shelf.counts()).toEqual({ idle: 0, busy: 0, lingering: 0, waiting: 0, promisedBytes: 0 })
      }
    })
  )
})
