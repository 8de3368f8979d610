/** Verifies: whatever becomes of the facts below a point, it refuses under its own name, tells it once, and lets nothing happen. */
import { Deferred, Effect, Either, Exit, Fiber, Ref, TestClock } from "effect"
import { describe, expect } from "vitest"
import type { Asked, Refused } from "../../src/guards/Guard.js"
import { Refusals } from "../../src/guards/Refusals.js"
import { resourceOwned } from "../../src/guards/ResourceOwned.js"
import { effect } from "../support/it.js"
import { drop, type Garbage, garbage, paths, put } from "./garbage.js"
import { KEY, type Point, points } from "./points.js"
import { verdicts } from "./sound.js"

const asked: Asked = { principal: KEY, action: "DELETE /services/1" }

/** Checks, and acts when it is allowed to; what was told and done is kept. */
const acting = <E>(point: Point, facts: Effect.Effect<unknown, E>) =>
  Effect.gen(function* () {
    const told: Array<readonly [Refused, Asked]> = []
    const done: Array<string> = []
    const note = (refused: Refused, by: Asked) => Effect.sync(() => void told.push([refused, by]))
    const outcome = yield* point.check(facts, asked).pipe(
      Effect.tap(() => Effect.sync(() => void done.push("destroyed"))),
      Effect.provideService(Refusals, { note }),
      Effect.either
    )
    return { outcome, told, done }
  })

type Acted = Effect.Effect.Success<ReturnType<typeof acting>>

/** What became of it; what a refusal lacks of being one is named. Much is tried, so this is no `expect` each. */
const verdictOf = (point: Point, { done, outcome, told }: Acted): string => {
  if (Either.isRight(outcome)) return done.length === 1 && told.length === 0 ? "permitted" : "permitted, and told"
  const { certainty, message, point: by, reason } = outcome.left
  const [first, ...more] = told
  if (first?.[0] !== outcome.left || first[1] !== asked || more.length > 0) return `${certainty}, not told once`
  if (by !== point.point || done.length > 0) return `${certainty} by ${by}, ${done}`
  if (message.length > 1_000 || /xyzzy|undefined|\[object/.test(message)) return `${certainty}: ${message}`
  if (certainty === "uncertain" && (reason.uncertain !== true || reason.status < 502))
    return "uncertain without saying so"
  return certainty
}

const expectUncertain = (point: Point, acted: Acted) => {
  expect(verdictOf(point, acted)).toBe("uncertain")
  return Either.getOrThrow(Either.flip(acted.outcome))
}

const failing: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>, string]> = [
  ["fail", Effect.fail(new Error("no such table: xyzzy")), "Error"],
  ["fail with a tag", Effect.fail({ _tag: "LogUnavailable", secret: "xyzzy" }), "LogUnavailable"],
  ["fail with nothing", Effect.fail(undefined), "undefined"],
  ["fail with null", Effect.fail(null), "object"],
  [
    "fail with a trap",
    Effect.fail({
      get _tag(): string {
        throw new Error("xyzzy")
      }
    }),
    "unreadable"
  ],
  [
    "fail with another point's refusal",
    Effect.fail(resourceOwned.refuse({ code: "x", message: "x", status: 404 })),
    "Refused"
  ],
  ["die", Effect.die(new TypeError("xyzzy is not a function")), "TypeError"],
  ["throw", Effect.sync(() => JSON.parse("xyzzy")), "SyntaxError"],
  ["are interrupted", Effect.interrupt, "interrupted"],
  ["are rejected", Effect.promise(() => Promise.reject(new RangeError("xyzzy"))), "RangeError"]
]

const hanging: ReadonlyArray<readonly [string, (point: Point) => Effect.Effect<unknown>]> = [
  ["never come", () => Effect.never],
  ["never come and cannot be interrupted", () => Effect.uninterruptible(Effect.never)],
  ["come a moment too late", ({ facts }) => Effect.delay(Effect.succeed(facts), "1001 millis")],
  ["come from a clock that goes backwards", ({ facts }) => Effect.delay(Effect.succeed(facts), "100 days")]
]

/** The others are tried where no fiber is needed for it. */
const worst = ["undefined", "null", "not a number", "a MiB of text", "trap", "coercion that throws"] as const
const named = Object.keys(garbage) as ReadonlyArray<Garbage>

for (const point of points) {
  const verdict = (facts: unknown) =>
    Effect.map(acting(point, Effect.succeed(facts)), (acted) => verdictOf(point, acted))

  describe(`${point.point}, when its facts`, () => {
    effect("are sound, issues a permit and tells nobody", () =>
      Effect.map(acting(point, Effect.succeed(point.facts)), ({ done, outcome, told }) => {
        expect(Either.getOrThrow(outcome).point).toBe(point.point)
        expect([told, done]).toEqual([[], ["destroyed"]])
      })
    )

    for (const [how, facts, note] of failing)
      effect(`${how}, is uncertain`, () =>
        Effect.map(acting(point, facts), (acted) => {
          expect(expectUncertain(point, acted).reason.note).toBe(`facts: ${note}`)
        })
      )

    for (const [how, facts] of hanging)
      effect(`${how}, is uncertain when a second is over`, () =>
        Effect.gen(function* () {
          const fiber = yield* Effect.fork(acting(point, facts(point)))
          yield* TestClock.adjust("999 millis")
          expect(yield* Fiber.poll(fiber)).toMatchObject({ _tag: "None" })
          yield* TestClock.adjust("1 millis")
          expect(expectUncertain(point, yield* Fiber.join(fiber)).reason.note).toBe("facts: Late")
        })
      )

    effect("come late, does not let what fetches them go on", () =>
      Effect.gen(function* () {
        const ended = yield* Deferred.make<string>()
        const facts = Effect.onInterrupt(Effect.never, () => Deferred.succeed(ended, "interrupted"))
        const fiber = yield* Effect.fork(acting(point, facts))
        yield* TestClock.adjust("1 second")
        expectUncertain(point, yield* Fiber.join(fiber))
        expect(yield* Deferred.await(ended)).toBe("interrupted")
      })
    )

    effect("are waited for by nobody any more, lets nothing happen", () =>
      Effect.gen(function* () {
        const acted = yield* Ref.make(false)
        const begun = yield* Deferred.make<void>()
        const facts = Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never)
        const fiber = yield* Effect.fork(Effect.zipRight(acting(point, facts), Ref.set(acted, true)))
        yield* Deferred.await(begun)
        expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
        expect(yield* Ref.get(acted)).toBe(false)
      })
    )

    effect("are garbage altogether, refuses", () =>
      Effect.gen(function* () {
        const found = yield* Effect.forEach(named, (name) =>
          Effect.map(verdict(garbage[name]), (is) => [name, is] as const)
        )
        // An order in which nothing is written is known, and wrong.
        const knowing = point.point === "D11" ? ["uncertain", "refused"] : ["uncertain"]
        expect(found.filter(([, is]) => !knowing.includes(is))).toEqual([])
      })
    )

    for (const path of paths(point.facts))
      effect(`have garbage for ${path.join(".")}, is uncertain but for what is a fact`, () =>
        Effect.gen(function* () {
          const expected = verdicts(point.point, path)
          const found = yield* Effect.forEach(worst, (name) =>
            Effect.map(verdict(put(point.facts, path, garbage[name])), (is) => [name, is] as const)
          )
          expect(Object.fromEntries(found)).toEqual(Object.fromEntries(worst.map((name) => [name, expected(name)])))
          expect(yield* verdict(drop(point.facts, path))).toBe(expected("missing"))
        })
      )
  })
}

describe("a refusal", () => {
  const facts = Effect.fail("no facts")
  for (const [how, broken] of [
    ["fails", Effect.die(new Error("the recorder is broken"))],
    ["is interrupted", Effect.interrupt]
  ] as const)
    effect(`stands when telling it ${how}`, () =>
      Effect.forEach(points, (point) =>
        point.check(facts, asked).pipe(
          Effect.provideService(Refusals, { note: () => broken }),
          Effect.either,
          Effect.map((outcome) =>
            expect(outcome).toMatchObject({ left: { point: point.point, certainty: "uncertain" } })
          )
        )
      )
    )
})
