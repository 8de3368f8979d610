import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { sharesOf } from "../../src/http/wire/Body.js"
import * as Shares from "../../src/http/wire/Shares.js"

const BOUND = 1_000

const of = (...names: ReadonlyArray<readonly [string, number]>) => names.map(([name, part]) => ({ name, part }))

/** Takes one at a time until refused. */
const fill = (shares: Shares.Shares, share: ReadonlyArray<Shares.Share>): number => {
  let taken = 0
  while (shares.take(share, 1)) taken++
  return taken
}

describe("a bound in shares", () => {
  it("leaves half to others when one takes all it may", () => {
    const shares = Shares.make(BOUND)
    expect(fill(shares, of(["a", 1]))).toBe(BOUND / 2)
    expect(fill(shares, of(["b", 1]))).toBe(BOUND / 4)
    expect(shares.take(of(["a", 1]), 1)).toBe(false)
  })

  it("leaves the owner of a key its part when a stranger at another address claims that key", () => {
    const shares = Shares.make(BOUND)
    expect(fill(shares, sharesOf("key", "stranger"))).toBeLessThanOrEqual(BOUND / 3)
    expect(fill(shares, sharesOf("key", "owner"))).toBeGreaterThan(BOUND / 10)
  })

  it("leaves another address its part when one address claims every key", () => {
    const shares = Shares.make(BOUND)
    for (let key = 0; key < 100; key++) fill(shares, sharesOf(`key ${key}`, "stranger"))
    expect(shares.held()).toBeLessThanOrEqual((BOUND * 2) / 3)
    expect(fill(shares, sharesOf("key 0", "owner"))).toBeGreaterThan(BOUND / 10)
  })

  it("counts a host's own proxy under no address, and its callers by their keys", () => {
    const shares = Shares.make(BOUND)
    for (let key = 0; key < 4; key++) expect(fill(shares, sharesOf(`key ${key}`, "127.0.0.1"))).toBeGreaterThan(0)
    expect(fill(shares, sharesOf("another", "::1"))).toBeGreaterThan(BOUND / 20)
  })

  it("has room again once all is given back, and keeps no name", () => {
    const taking = fc.record({ name: fc.integer({ min: 0, max: 5 }), bytes: fc.integer({ min: 1, max: 400 }) })
    fc.assert(
      fc.property(fc.array(taking, { maxLength: 60 }), (wanted) => {
        const shares = Shares.make(BOUND)
        const taken = wanted.filter(({ bytes, name }) => shares.take(of([String(name), 1]), bytes))
        expect(shares.held()).toBe(taken.reduce((sum, { bytes }) => sum + bytes, 0))
        expect(shares.held()).toBeLessThanOrEqual(BOUND)
        for (const { bytes, name } of taken) shares.give(of([String(name), 1]), bytes)
        expect(shares.held()).toBe(0)
        expect(fill(shares, of(["fresh", 1]))).toBe(BOUND / 2)
      })
    )
  })
})
