import { describe, expect, it } from "vitest"
import * as FairQueue from "../../actors/pool/FairQueue.js"
import * as Pool from "../../actors/pool/Pool.js"
import type { PoolEvent } from "../../events/Pool.js"
import { spec } from "../support/given.js"

const size = { pool: "zerotrust" as const, target: 8, maximum: 64 }
const sized: PoolEvent = { _tag: "PoolSized", ...size }
const opened = (failures: number): PoolEvent => ({
  _tag: "PoolCircuitOpened",
  pool: "zerotrust",
  failures,
  reason: "no memory",
  retryMillis: Pool.pauseAfter(failures)
})
const closed: PoolEvent = { _tag: "PoolCircuitClosed", pool: "zerotrust" }

const { Fail, Size, Succeed } = Pool.Command
const given = spec(Pool)

describe("pool", () => {
  it("is sized", () => given().when(Size(size)).gives(sized))
  it("says nothing of the same size", () => given(sized).when(Size(size)).gives())
  it("tolerates a few failures", () =>
    given(sized)
      .when(Fail({ failures: Pool.TOLERATED - 1, reason: "no memory" }))
      .gives())
  it("opens its circuit on several in a row", () =>
    given(sized)
      .when(Fail({ failures: Pool.TOLERATED, reason: "no memory" }))
      .gives(opened(Pool.TOLERATED)))
  it("waits longer each time", () => expect(Pool.pauseAfter(5)).toBeGreaterThan(Pool.pauseAfter(4)))
  it("never waits for ever", () => expect(Pool.pauseAfter(10_000)).toBe(Pool.pauseAfter(20)))
  it("closes its circuit when a spawn succeeds", () => given(sized, opened(3)).when(Succeed()).gives(closed))
  it("says nothing of ordinary success", () => given(sized).when(Succeed()).gives())
  it("keeps its circuit open over a new size", () =>
    expect(given(sized, opened(3), { ...sized, target: 2 }).state).toMatchObject({ _tag: "Open", target: 2 }))
})

describe("fair queue", () => {
  it("lets owners take turns, each in its own order", () => {
    const queue = FairQueue.make<string>()
    for (const item of ["a1", "a2", "a3", "b1", "c1", "c2"]) queue.add(item.charAt(0), item)
    const served = Array.from({ length: 6 }, () => queue.next())
    expect(served).toEqual(["a1", "b1", "c1", "a2", "c2", "a3"])
    expect(queue.next()).toBeUndefined()
  })

  it("forgets who leaves, and says whether it was there", () => {
    const queue = FairQueue.make<string>()
    queue.add("a", "a1")
    queue.add("a", "a2")
    expect(queue.remove("a", "a1")).toBe(true)
    expect(queue.remove("a", "a1")).toBe(false)
    expect(queue.size).toBe(1)
    expect(queue.next()).toBe("a2")
    expect(queue.size).toBe(0)
  })
})
