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

/** What was asked for, what was handed out, and to whom: kept beside the shelf, in the plainest way. */
class Model {
  readonly shelf = Shelf.make(new Budget(), (promised, asked) => promised + asked <= CAPACITY)
  readonly idle = new Set<Live>()
  readonly out = new Map<Live, number>()
  readonly lingering = new Set<Live>()
  readonly waiting = new Set<Shelf.Waiter>()
  readonly served: Array<Shelf.Waiter> = []
  private made = 0

  hand(live: Live, asked: number): void {
    expect(this.idle.delete(live)).toBe(true)
    this.out.set(live, asked)
  }

  take(asked: number): void {
    const live = this.shelf.take(asked)
    if (live !== undefined) this.hand(live, asked)
    if (this.waiting.size > 0) expect(live).toBeUndefined()
  }

  wait(owner: string, askedBytes: number): void {
    const waiter: Shelf.Waiter = {
      owner,
      askedBytes,
      since: 0,
      serve: (live) => {
        expect(this.waiting.delete(waiter)).toBe(true)
        this.served.push(waiter)
        this.hand(live, askedBytes)
      }
    }
    this.waiting.add(waiter)
    this.shelf.wait(waiter)
  }

  leave(index: number): void {
    const waiter = [...this.waiting, ...this.served][index]
    if (waiter === undefined) return
    // It may be served by the very leaving of another, never by its own.
    const waited = this.waiting.delete(waiter)
    expect(this.shelf.leave(waiter)).toBe(waited)
  }

  put(): void {
    const live = container(this.made++)
    this.idle.add(live)
    this.shelf.put(live)
  }

  shed(kept: number): void {
    const over = [...this.idle].slice(kept)
    expect(this.shelf.shed(kept)).toEqual(over)
    for (const live of over) {
      this.idle.delete(live)
      this.lingering.add(live)
    }
  }

  private any(index: number): Live | undefined {
    const all = [...this.idle, ...this.out.keys(), ...this.lingering]
    return all[index % Math.max(1, all.length)]
  }

  drop(index: number): void {
    const live = this.any(index)
    if (live === undefined) return
    this.idle.delete(live)
    this.out.delete(live)
    this.lingering.delete(live)
    this.shelf.drop(live)
    this.shelf.giveBack(live)
    this.shelf.drop(live)
  }

  giveBack(index: number): void {
    const live = [...this.out.keys()][index]
    if (live === undefined) return
    this.out.delete(live)
    this.idle.add(live)
    this.shelf.giveBack(live)
  }

  check(): void {
    const promisedBytes = [...this.out.values()].reduce((sum, bytes) => sum + bytes, 0)
    expect(promisedBytes).toBeLessThanOrEqual(CAPACITY)
    const counts = {
      idle: this.idle.size,
      busy: this.out.size,
      lingering: this.lingering.size,
      waiting: this.waiting.size,
      promisedBytes
    }
    expect(this.shelf.counts()).toEqual(counts)
    // Whoever waits has a reason to: nothing is there, or somebody does not fit.
    const largest = Math.max(...[...this.waiting].map(({ askedBytes }) => askedBytes))
    if (this.waiting.size > 0 && this.idle.size > 0) expect(promisedBytes + largest).toBeGreaterThan(CAPACITY)
    if (promisedBytes === 0 && this.waiting.size > 0) expect(this.idle.size).toBe(0)
  }
}

const step = fc.oneof(
  fc.record({ do: fc.constant("put" as const) }),
  fc.record({ do: fc.constantFrom("take" as const), asked: fc.integer({ min: 1, max: CAPACITY }) }),
  fc.record({
    do: fc.constant("wait" as const),
    owner: fc.constantFrom("a", "b", "c"),
    asked: fc.integer({ min: 1, max: CAPACITY })
  }),
  fc.record({
    do: fc.constantFrom("leave" as const, "drop" as const, "giveBack" as const, "shed" as const),
    index: fc.nat(8)
  })
)

describe("shelf", () => {
  it("keeps its counts, its capacity and its waiters through any interleaving", () =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const model = new Model()
        for (const one of steps) {
          switch (one.do) {
            case "put":
              model.put()
              break
            case "take":
              model.take(one.asked)
              break
            case "wait":
              model.wait(one.owner, one.asked)
              break
            default:
              model[one.do](one.index)
          }
          model.check()
        }
        // In the end everybody who stayed is served, each once.
        while (model.waiting.size > 0) {
          const [first] = model.out.keys()
          first === undefined ? model.put() : model.drop(model.idle.size)
          model.check()
        }
        expect(new Set(model.served).size).toBe(model.served.length)
      }),
      { numRuns: 500 }
    ))

  it("lets owners take turns, and each its own in order", () =>
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 40 }), (owners) => {
        const model = new Model()
        for (const owner of owners) model.wait(owner, 1)
        const asked = [...model.waiting]
        while (model.waiting.size > 0) {
          model.put()
          model.drop(0)
        }
        for (const owner of ["a", "b", "c"]) {
          const own = (waiter: Shelf.Waiter) => waiter.owner === owner
          expect(model.served.filter(own)).toEqual(asked.filter(own))
          // For as long as it waits, nobody is more than one turn ahead of it.
          const last = model.served.findLastIndex(own)
          for (let until = 1; until <= last; until += 1)
            for (const other of ["a", "b", "c"]) {
              const turns = (name: string) => model.served.slice(0, until).filter((one) => one.owner === name).length
              expect(turns(other) - turns(owner)).toBeLessThanOrEqual(1)
            }
        }
      }),
      { numRuns: 200 }
    ))

  it("serves the small ones as soon as the big one before them leaves", () => {
    const model = new Model()
    model.put()
    model.put()
    model.take(6)
    model.wait("a", 8)
    model.wait("b", 1)
    model.leave(0)
    expect(model.served.map(({ owner }) => owner)).toEqual(["b"])
    model.check()
  })

  it("does not let a small one overtake the big one that is first", () => {
    const model = new Model()
    model.put()
    model.put()
    model.take(6)
    model.wait("a", 8)
    model.wait("b", 1)
    expect(model.served).toEqual([])
    model.take(1)
    model.drop(1)
    expect(model.served.map(({ owner }) => owner)).toEqual(["a"])
    model.put()
    expect(model.served.map(({ owner }) => owner)).toEqual(["a", "b"])
  })
})
