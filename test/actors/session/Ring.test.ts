import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Ring } from "../../../actors/session/Ring.js"

const BOUND = 64 * 1024

describe("a ring", () => {
  it("keeps the last bytes under their offsets, whatever the pieces", () =>
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 40_000 }), { maxLength: 12 }), (sizes) => {
        const ring = new Ring(BOUND)
        let all = Buffer.alloc(0)
        for (const [index, size] of sizes.entries()) {
          const piece = Buffer.from(Array.from({ length: size }, (_, at) => (index * 31 + at * 7) & 0xff))
          all = Buffer.concat([all, piece])
          ring.push(piece)
          expect(ring.end).toBe(all.length)
          expect(ring.start).toBe(Math.max(0, all.length - BOUND))
        }
        for (const offset of [ring.start, Math.floor((ring.start + ring.end) / 2), ring.end]) {
          expect(Buffer.from(ring.read(offset, BOUND)).equals(all.subarray(offset))).toBe(true)
          expect(ring.read(offset, 10).length).toBe(Math.min(10, ring.end - offset))
        }
      })
    ))

  it("takes a piece larger than itself, and gives copies", () => {
    const ring = new Ring(BOUND)
    ring.push(Buffer.alloc(3 * BOUND, 1))
    ring.push(Buffer.from("end"))
    expect(ring.end).toBe(3 * BOUND + 3)
    const last = ring.read(ring.end - 3, 100)
    expect(Buffer.from(last).toString()).toBe("end")
    ring.push(Buffer.alloc(BOUND, 2))
    expect(Buffer.from(last).toString()).toBe("end")
  })
})
