/** Verifies: every fact of every point, and every part of one, is looked at before a permit is issued; permits are final. */
import { inspect } from "node:util"
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { copy, drop, type Garbage, garbage, paths, put, smuggled, spoil } from "./garbage.js"
import { type Point, points } from "./points.js"
import { sound, verdicts } from "./sound.js"

const named = Object.keys(garbage) as ReadonlyArray<Garbage>

const decided = (point: Point, facts: unknown) =>
  Either.match(point.decide(facts), {
    onRight: () => "permitted",
    onLeft: ({ certainty, point: by }) => (by === point.point ? certainty : `${certainty} by ${by}`)
  })

for (const point of points) {
  describe(`${point.point}, decided on`, () => {
    it("sound facts, issues a permit", () => expect(decided(point, point.facts)).toBe("permitted"))

    for (const path of paths(point.facts))
      it(`garbage for ${path.join(".")}, is uncertain but for what is a fact`, () => {
        const expected = verdicts(point.point, path)
        const found = named.map((name) => [name, decided(point, put(point.facts, path, garbage[name]))])
        expect(Object.fromEntries(found)).toEqual(Object.fromEntries(named.map((name) => [name, expected(name)])))
        expect(decided(point, drop(point.facts, path))).toBe(expected("missing"))
      })
  })

  describe(`a permit of ${point.point}`, () => {
    const carried = (facts: unknown) => Either.getOrThrow(point.decide(facts)).facts
    const shown = (facts: unknown) => inspect(facts, { depth: Infinity, showHidden: true, breakLength: Infinity })

    it("is frozen", () => {
      const permit = Either.getOrThrow(point.decide(point.facts))
      expect([Object.isFrozen(permit), Object.isFrozen(permit.facts)]).toEqual([true, true])
      expect(() => Object.assign(permit, { point: "D26" })).toThrow(TypeError)
    })

    it("carries nothing that was smuggled in beside the facts", () => {
      for (const path of [[], ...paths(point.facts)]) {
        const decision = point.decide(smuggled(point.facts, path))
        if (Either.isRight(decision)) expect(shown(decision.right.facts)).not.toContain("smuggled")
      }
      expect(shown(carried(smuggled(point.facts, [])))).toBe(shown(carried(point.facts)))
    })

    it("carries what was judged, whatever becomes of the facts afterwards", () => {
      const facts = copy(point.facts)
      const permit = carried(facts)
      const before = shown(permit)
      spoil(facts)
      expect(shown(permit)).toBe(before)
    })
  })
}

it("lists no path that a point does not have", () => {
  for (const { facts, point } of points)
    for (const path of Object.keys(sound[point] ?? {})) expect(paths(facts).map((one) => one.join("."))).toContain(path)
})
