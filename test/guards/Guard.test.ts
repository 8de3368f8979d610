import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Deferred, Effect, Either, Fiber, TestClock } from "effect"
import { describe, expect, it } from "vitest"
import { DecisionPoint } from "../../events/Ids.js"
import { catalogue, isPlanned } from "../../src/guards/Catalogue.js"
import { enforce, type Permit, Refused } from "../../src/guards/Guard.js"
import { type Asked, Refusals } from "../../src/guards/Refusals.js"
import { type Ownership, resourceOwned } from "../../src/guards/ResourceOwned.js"
import { effect } from "../support/it.js"
import { JOB, KEY, type Point, points } from "./points.js"

const asked: Asked = { principal: KEY, action: "POST /execute" }

/** Listens to what is refused. */
const listening = () => {
  const heard: Array<readonly [Refused, Asked]> = []
  const note = (refused: Refused, by: Asked) => Effect.sync(() => void heard.push([refused, by]))
  return { heard, refusals: { note } }
}

const checked = (point: Point, alter: Parameters<Point["check"]>[0]) =>
  Effect.gen(function* () {
    const { heard, refusals } = listening()
    const fiber = yield* Effect.fork(
      Effect.either(Effect.provideService(point.check(alter, asked), Refusals, refusals))
    )
    yield* TestClock.adjust("2 seconds")
    return { outcome: yield* Fiber.join(fiber), heard }
  })

const unknowable: ReadonlyArray<readonly [string, Parameters<Point["check"]>[0]]> = [
  ["fail", () => Effect.fail(new Error("no such table"))],
  [
    "fail with a refusal of another point",
    () => Effect.fail(resourceOwned.refuse({ code: "x", message: "x", status: 404 }))
  ],
  ["die", () => Effect.die(new TypeError("undefined is not a function"))],
  ["are interrupted", () => Effect.interrupt],
  ["hang", () => Effect.never],
  ["hang and cannot be interrupted", () => Effect.uninterruptible(Effect.never)],
  ["come late", (facts) => Effect.delay(facts, "1500 millis")]
]

describe("catalogue", () => {
  it("has the 26 points, each under its own id and name", () => {
    const entries = Object.entries(catalogue)
    expect(entries).toHaveLength(26)
    expect(entries.map(([id]) => id)).toEqual([...DecisionPoint.literals])
    for (const [id, entry] of entries) expect(entry.point).toBe(id)
    expect(new Set(entries.map(([, { name }]) => name)).size).toBe(26)
    for (const [, { claim, name }] of entries) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/)
      expect(claim.length).toBeGreaterThan(10)
    }
  })

  it("lists every module that mints a permit, once", () => {
    const directory = join(import.meta.dirname, "../../src/guards")
    const minted = readdirSync(directory).flatMap((file) =>
      [...readFileSync(join(directory, file), "utf8").matchAll(/Permit\.guard\(\s*"(D\d\d)"/g)].map((match) => match[1])
    )
    const built = Object.values(catalogue).flatMap((entry) => (isPlanned(entry) ? [] : [entry.point]))
    expect(minted.sort()).toEqual(built)
  })

  it("is tested: every built point has facts here", () => {
    const built = Object.values(catalogue).flatMap((entry) => (isPlanned(entry) ? [] : [entry.point]))
    expect(points.map(({ point }) => point)).toEqual(built)
  })
})

for (const point of points) {
  describe(point.point, () => {
    it("issues a frozen permit on sound facts", () => {
      const permit = Either.getOrThrow(point.decide())
      expect(permit.point).toBe(point.point)
      expect(Object.isFrozen(permit)).toBe(true)
      expect(Object.isFrozen(permit.facts)).toBe(true)
    })

    effect("issues it for facts that are fetched, and tells nobody", () =>
      Effect.gen(function* () {
        const { heard, outcome } = yield* checked(point, (facts) => facts)
        expect(Either.isRight(outcome)).toBe(true)
        expect(heard).toEqual([])
      })
    )

    for (const [how, alter] of unknowable)
      effect(`is uncertain when facts ${how}`, () =>
        Effect.gen(function* () {
          const { heard, outcome } = yield* checked(point, alter)
          const refused = Either.getOrThrow(Either.flip(outcome))
          expect(refused).toMatchObject({ point: point.point, certainty: "uncertain", reason: { status: 503 } })
          expect(refused.message).not.toMatch(/no such table|not a function/)
          expect(heard).toEqual([[refused, asked]])
        })
      )

    for (const json of ["null", "0", '""', "[]", "true", '"facts"'])
      it(`is uncertain when the facts are ${json}`, () => {
        const decision = point.instead(json)
        expect(Either.isLeft(decision)).toBe(true)
        if (Either.isLeft(decision) && !["D11", "D13"].includes(point.point))
          expect(decision.left.certainty).toBe("uncertain")
      })

    // What a caller writes is not a fact to be known: D11 and D13 refuse it with a reason of their own.
    const fields = { D11: ["code"], D13: ["bounds"] }[String(point.point)] ?? point.fields
    for (const field of fields)
      for (const value of [Number.NaN, Symbol("x"), { nested: true }, [Symbol("x")], () => true, -1])
        it(`issues none when ${field} is ${String(typeof value)} ${typeof value === "number" ? value : ""}`, () => {
          const decision = point.garbled(field, value)
          expect(Either.isLeft(decision)).toBe(true)
          if (Either.isLeft(decision) && point.point !== "D11") expect(decision.left.certainty).toBe("uncertain")
        })

    it("survives facts that throw when they are read", () => {
      for (const field of point.fields) {
        const trap = new Proxy(
          {},
          {
            get: () => {
              throw new Error("trap")
            },
            has: () => {
              throw new Error("trap")
            }
          }
        )
        const decision = point.garbled(field, trap)
        if (point.point !== "D11" && point.point !== "D13") expect(Either.isLeft(decision)).toBe(true)
      }
    })
  })
}

const facts: Ownership<"job"> = { kind: "job", actor: KEY, resource: JOB, owner: KEY }

describe("permit", () => {
  it("carries the facts that were judged, whatever becomes of the caller's object", () => {
    const mutable = { ...facts }
    const permit = Either.getOrThrow(resourceOwned.decide(mutable))
    mutable.owner = "unsb-pk-else"
    expect(permit.facts.owner).toBe(KEY)
    expect(() => Object.assign(permit.facts, { owner: "unsb-pk-else" })).toThrow(TypeError)
  })

  it("carries nothing beside them", () => {
    const more = { ...facts, secret: "unsb-sk-x" }
    expect(Object.keys(Either.getOrThrow(resourceOwned.decide(more)).facts)).toEqual([
      "kind",
      "actor",
      "resource",
      "owner"
    ])
  })

  it("cannot be written by hand, nor passed for another point's", () => {
    const destroy = (owned: Permit<"D17", Ownership<"job">>) => owned.point
    // @ts-expect-error a literal has not been issued
    destroy({ point: "D17", facts })
    // @ts-expect-error nor does claiming so help
    destroy({ point: "D17", facts, issued: true })
    const durable: Permit<"D26", Ownership>[] = []
    // @ts-expect-error another point's permit
    for (const permit of durable) destroy(permit)
    const stranger: Permit<"D17", { readonly actor: string }>[] = []
    // @ts-expect-error the same point's on other facts
    for (const permit of stranger) destroy(permit)
    const service: Permit<"D17", Ownership<"service">>[] = []
    // @ts-expect-error the same point's on a thing of another kind
    for (const permit of service) destroy(permit)
    // @ts-expect-error a decision is not a permit yet
    destroy(resourceOwned.decide(facts))
    expect(destroy(Either.getOrThrow(resourceOwned.decide(facts)))).toBe("D17")
  })

  it("has no public constructor", () => {
    const forge = (permit: typeof Permit) => {
      // @ts-expect-error the constructor is private
      return new permit("D17", facts)
    }
    expect(forge).toBeTypeOf("function")
  })
})

describe("enforce", () => {
  const refused = resourceOwned.refuse({ code: "not_owner", message: "no", status: 403 })

  effect("refuses even when telling fails", () =>
    Effect.gen(function* () {
      const outcome = yield* enforce(Either.left(refused), asked).pipe(
        Effect.provideService(Refusals, { note: () => Effect.die("recorder broken") }),
        Effect.either
      )
      expect(outcome).toEqual(Either.left(refused))
    })
  )

  effect("is interrupted as any effect is when its caller goes", () =>
    Effect.gen(function* () {
      const { heard, refusals } = listening()
      const begun = yield* Deferred.make<void>()
      const hanging = Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never)
      const fiber = yield* Effect.fork(Effect.provideService(resourceOwned.check(hanging, asked), Refusals, refusals))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      expect(heard).toEqual([])
    })
  )
})

describe("refused", () => {
  it("reads as its reason", () => {
    const refused = resourceOwned.refuse({ code: "not_owner", message: "belongs to another key", status: 403 })
    expect(refused).toBeInstanceOf(Refused)
    expect(refused.message).toBe("belongs to another key")
    expect(refused.certainty).toBe("refused")
  })
})
