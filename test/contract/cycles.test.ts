/** What a tenant wrote is the same, to the bit, wherever it is carried: random trees through random cycles of live places. */
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { serverForTest } from "../support/server.js"
import { fits, on, type Place } from "./cycles/place.js"
import { trees } from "./cycles/trees.js"

type Inside = ReturnType<typeof on>

/** Resolves with where the tree lives from then on. */
type Cycle = (inside: Inside, place: Place, seed: number) => Promise<Place>

/** What it was carried from goes, so that nothing of it can be what is seen. */
const moved = async (inside: Inside, from: Place, to: Promise<Place>): Promise<Place> => {
  const place = await to
  await inside.close(from)
  return place
}

const cycles: Readonly<Record<string, Cycle>> = {
  "freeze and unfreeze": async (inside, place) => {
    await inside.freeze(place)
    await inside.unfreeze(place)
    return place
  },
  "deep freeze and wake": async (inside, place) => {
    await inside.freeze(place)
    await inside.sleeps(place)
    await inside.unfreeze(place)
    return place
  },
  "snapshot while it is frozen": async (inside, place) => {
    await inside.freeze(place)
    await inside.photograph(place, false)
    await inside.unfreeze(place)
    return place
  },
  "hot snapshot": async (inside, place) => {
    await inside.photograph(place, true)
    return place
  },
  "change and restore": async (inside, place, seed) => {
    const snapshot = await inside.photograph(place, false)
    const before = await inside.census(place)
    await inside.spoil(place, seed)
    expect(await inside.census(place)).not.toBe(before)
    await inside.restore(place, snapshot)
    return place
  },
  "change and restore of a hot snapshot": async (inside, place, seed) => {
    const snapshot = await inside.photograph(place, true)
    await inside.spoil(place, seed)
    await inside.restore(place, snapshot)
    return place
  },
  "clone to a session": async (inside, place) =>
    moved(inside, place, inside.clone(await inside.photograph(place, false), "session")),
  "clone to a service": async (inside, place) =>
    moved(inside, place, inside.clone(await inside.photograph(place, true), "service")),
  "publish and spawn": async (inside, place) =>
    moved(inside, place, inside.spawn(await inside.photograph(place, false)))
}

const journey = fc.record({
  start: fc.constantFrom("session" as const, "service" as const),
  planted: trees.filter(fits),
  steps: fc.shuffledSubarray(Object.entries(cycles), { minLength: 5, maxLength: 8 }),
  seed: fc.nat()
})

it("a tree comes through every cycle of the places it lives in as it was", async () => {
  const server = await serverForTest({ pool: 2, args: ["--proxy-port", "0", "--deep-freeze", "500ms"] })
  const inside = on(server)
  const property = fc.asyncProperty(journey, async ({ planted, seed, start, steps }) => {
    let place = await inside.open(start)
    await inside.grow(place, planted)
    const before: unknown = JSON.parse(await inside.census(place))
    for (const [name, cycle] of steps) {
      place = await cycle(inside, place, seed)
      expect(JSON.parse(await inside.census(place)), name).toEqual(before)
    }
    await inside.close(place)
  })
  await fc.assert(property, { numRuns: 6, endOnFailure: true, includeErrorInReport: true })
}, 240_000)
