/** Verifies: facts that are one thing when they are judged and another afterwards get no permit, and none for something else. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import type { Refused } from "../../src/guards/Guard.js"
import { lineageClear } from "../../src/guards/LineageClear.js"
import { resourceOwned } from "../../src/guards/ResourceOwned.js"
import { resourceUnlocked } from "../../src/guards/ResourceUnlocked.js"
import { JOB, KEY } from "./points.js"

const thing = { kind: "job", resource: JOB } as const
const owned = { ...thing, actor: KEY, owner: KEY }
const clear = { ...owned, line: [], dwellings: [], home: null }

/** It is read once to be judged; whoever reads it again gets another. */
const lying = <Facts extends object>(facts: Facts, field: string, later: string): Facts => {
  const first: unknown = Reflect.get(facts, field)
  let reads = 0
  return Object.defineProperty({ ...facts }, field, { enumerable: true, get: () => (reads++ === 0 ? first : later) })
}

const points: { readonly [point: string]: (field: string, later: string) => Either.Either<unknown, Refused> } = {
  D17: (field, later) => resourceOwned.decide(lying(owned, field, later)),
  D19: (field, later) => lineageClear.decide(lying(clear, field, later)),
  D20: (field, later) => resourceUnlocked.decide(lying({ ...thing, locked: false }, field, later))
}

for (const [point, decide] of Object.entries(points))
  describe(point, () => {
    it("issues a permit on facts that stay what they are", () => {
      expect(Either.isRight(decide("kind", "job"))).toBe(true)
      expect(Either.isRight(decide("resource", JOB))).toBe(true)
    })
    for (const [field, later] of [
      ["kind", "service"],
      ["resource", "unsb-job-else"]
    ] as const)
      it(`is uncertain when ${field} changes`, () => {
        const refused = Either.getOrThrow(Either.flip(decide(field, later)))
        expect(refused).toMatchObject({ point, certainty: "uncertain" })
        expect(refused.reason).toEqual({
          code: "uncertain",
          message: expect.stringMatching(/^It is not certain wh(ose this is|at is locked)/),
          status: 503,
          uncertain: true
        })
      })
  })
