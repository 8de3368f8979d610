import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as ContainerActor from "../../../actors/container/ContainerActor.js"
import type { Live } from "../../../actors/container/ContainerProcess.js"
import { Budget } from "../../../actors/pool/Budget.js"
import * as Shelf from "../../../actors/pool/Shelf.js"
import * as Actor from "../../../src/kernel/Actor.js"
import { MemoryLog } from "../../kernel/MemoryLog.js"
import * as H from "../../support/history.js"
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

/** Two pools over one budget, and what became of whoever waited in them. */
class Two {
  readonly budget = new Budget()
  readonly shelves = [this.shelf(), this.shelf()] as const
  readonly served: Array<string> = []
  readonly out: Array<{ readonly live: Live; readonly pool: 0 | 1 }> = []
  private made = 0

  private shelf() {
    return Shelf.make(this.budget, (promised, asked) => promised + asked <= CAPACITY)
  }

  put(pool: 0 | 1): void {
    this.shelves[pool].put(container(this.made++))
  }

  wait(pool: 0 | 1, name: string, askedBytes: number): void {
    const serve = (live: Live) => {
      this.served.push(name)
      this.out.push({ live, pool })
    }
    this.shelves[pool].wait({ owner: name, askedBytes, since: 0, serve })
  }

  take(pool: 0 | 1, asked: number): boolean {
    const live = this.shelves[pool].take(asked)
    if (live !== undefined) this.out.push({ live, pool })
    return live !== undefined
  }

  drop(index = 0): void {
    const [one] = this.out.splice(index % Math.max(1, this.out.length), 1)
    if (one !== undefined) this.shelves[one.pool].drop(one.live)
  }

  /** What both promise is what the budget has promised, and there is so much. */
  check(): void {
    const [a, b] = this.shelves.map((shelf) => shelf.counts().promisedBytes)
    expect((a ?? 0) + (b ?? 0)).toBe(this.budget.promisedBytes)
    expect(this.budget.promisedBytes).toBeLessThanOrEqual(CAPACITY)
  }
}

const pool = fc.constantFrom(0 as const, 1 as const)
const asked = fc.integer({ min: 1, max: CAPACITY })
const step = fc.oneof(
  fc.record({ do: fc.constant("put" as const), pool }),
  fc.record({ do: fc.constant("take" as const), pool, asked }),
  fc.record({ do: fc.constant("wait" as const), pool, asked }),
  fc.record({ do: fc.constant("drop" as const), index: fc.nat(8) })
)

describe("a budget of two pools", () => {
  it("is never overcommitted, and in the end everybody is served", () =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const two = new Two()
        let waiters = 0
        for (const one of steps) {
          if (one.do === "put") two.put(one.pool)
          else if (one.do === "take") two.take(one.pool, one.asked)
          else if (one.do === "wait") two.wait(one.pool, `w${waiters++}`, one.asked)
          else two.drop(one.index)
          two.check()
        }
        for (let left = 2 * steps.length + 2; left > 0; left -= 1) {
          for (const at of [0, 1] as const) if (two.shelves[at].counts().idle === 0) two.put(at)
          two.drop()
          two.check()
        }
        expect(two.served).toHaveLength(waiters)
        expect(new Set(two.served).size).toBe(waiters)
      }),
      { numRuns: 300 }
    ))

  it("what one has promised the other cannot", () => {
    const two = new Two()
    two.put(0)
    two.put(1)
    expect(two.take(0, 7)).toBe(true)
    expect(two.take(1, 4)).toBe(false)
    expect(two.take(1, 3)).toBe(true)
    two.check()
  })

  it("what one gives back serves who waits at the other", () => {
    const two = new Two()
    two.put(0)
    two.put(1)
    two.take(0, 7)
    two.wait(1, "big", 8)
    expect(two.served).toEqual([])
    two.drop()
    expect(two.served).toEqual(["big"])
  })

  it("takes turns: a busy pool does not starve the other's big one", () => {
    const two = new Two()
    for (let n = 0; n < 8; n += 1) two.put(0)
    two.put(1)
    for (let n = 0; n < 5; n += 1) two.take(0, 2)
    for (let n = 0; n < 3; n += 1) two.wait(0, `a${n}`, 2)
    two.wait(1, "big", 9)
    two.drop()
    two.drop()
    // The first pool had its turn: what comes back now is kept together for the other.
    expect(two.served).toEqual(["a0"])
    expect(two.take(0, 1)).toBe(false)
    for (let n = 0; n < 4; n += 1) two.drop()
    expect(two.served.slice(0, 2)).toEqual(["a0", "big"])
    two.drop()
    expect(two.served).toEqual(["a0", "big", "a1", "a2"])
  })

  it("keeps no turn for one who went away, or who lacks a container", () => {
    const two = new Two()
    two.put(0)
    two.put(0)
    two.put(1)
    two.take(0, 6)
    const waiter: Shelf.Waiter = { owner: "x", askedBytes: 9, since: 0, serve: () => undefined }
    two.shelves[1].wait(waiter)
    expect(two.take(0, 1)).toBe(false)
    two.shelves[1].leave(waiter)
    expect(two.take(0, 1)).toBe(true)
    two.shelves[1].take(3)
    two.shelves[1].wait(waiter)
    two.put(0)
    two.drop()
    expect(two.take(0, 1)).toBe(true)
  })
})
