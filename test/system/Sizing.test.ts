import { Schema } from "effect"
import { describe, expect, it } from "vitest"
import { Settings } from "../../src/cli/Settings.js"
import * as Sizing from "../../src/system/Sizing.js"

const GIB = 2 ** 30
const settings = (pools: object) => Schema.decodeUnknownSync(Settings)({ data: "/x", reserveBytes: GIB, pools })

describe("sizing", () => {
  it("promises no more than the memory that is not reserved", () => {
    const sizing = Sizing.of(settings({}), { memoryBytes: 8 * GIB })
    expect(sizing.capacityBytes).toBe(7 * GIB)
    const most = sizing.maximum("zerotrust")
    expect(most * sizing.promise(sizing.limits(1))).toBeLessThanOrEqual(7 * GIB)
    expect(sizing.target("zerotrust")).toBe(8)
  })

  it("has no room on a machine that is all reserved, but for what is kept warm", () => {
    const sizing = Sizing.of(settings({ zerotrust: { target: 3 } }), { memoryBytes: GIB / 2 })
    expect([sizing.capacityBytes, sizing.maximum("zerotrust")]).toEqual([0, 3])
  })

  it("sizes every pool that has a network, and never its memory twice", () => {
    const host = { memoryBytes: 8 * GIB, networks: ["zerotrust", "semitrusted"] as const }
    const both = Sizing.of(settings({ semitrusted: { target: 2 } }), host)
    const one = Sizing.of(settings({ semitrusted: { target: 0, maximum: 0 } }), host)
    expect([both.target("semitrusted"), both.target("zerotrust")]).toEqual([2, 8])
    expect(both.maximum("semitrusted")).toBe(both.maximum("zerotrust"))
    expect(both.capacityBytes).toBe(one.capacityBytes)
    expect([one.target("semitrusted"), one.maximum("semitrusted")]).toEqual([0, 0])
  })

  it("keeps a pool without a network off, whatever is configured", () => {
    const host = { memoryBytes: 8 * GIB, networks: ["zerotrust"] } as const
    const sizing = Sizing.of(settings({ semitrusted: { target: 2, maximum: 4 } }), host)
    expect([sizing.target("semitrusted"), sizing.maximum("semitrusted")]).toEqual([0, 0])
  })

  it("keeps a few containers with a way out warm, unless it is told otherwise", () => {
    expect(Sizing.of(settings({}), { memoryBytes: 8 * GIB }).target("semitrusted")).toBe(2)
    expect(Sizing.of(settings({ semitrusted: { target: 0, maximum: 0 } })).maximum("semitrusted")).toBe(0)
  })
})
