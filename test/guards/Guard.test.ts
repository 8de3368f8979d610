import { Deferred, Effect, Either, Fiber, Option, TestClock } from "effect"
import { describe, expect, it } from "vitest"
import { DecisionPoint } from "../../events/Ids.js"
import { catalogue } from "../../src/guards/Catalogue.js"
import { anything, flag } from "../../src/guards/Fact.js"
import { enforce, type Guard, Permit, Refused } from "../../src/guards/Guard.js"
import { type Asked, Refusals } from "../../src/guards/Refusals.js"
import { type Ownership, resourceOwned } from "../../src/guards/ResourceOwned.js"
import { effect } from "../support/it.js"
import { JOB, KEY, points } from "./points.js"

const asked: Asked = { principal: KEY, action: "POST /execute" }

/** Listens to what is refused. */
const listening = () => {
  const heard: Array<readonly [Refused, Asked]> = []
  const note = (refused: Refused, by: Asked) => Effect.sync(() => void heard.push([refused, by]))
  return { heard, refusals: { note } }
}

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

  it("is tested: every point has facts", () => {
    const built = Object.values(catalogue).map(({ point }) => point)
    expect(points.map(({ point }) => point)).toEqual(built)
  })
})

const D17 = points.find(({ point }) => point === "D17") ?? expect.fail("no row for D17")

/** A point of its own for what no real one does: typed by what it is given, so that a broken rule is one. */
const minted = (spec: object) => {
  const guard: Guard<"D17", object, object> = Permit.guard("D17", Reflect.get({ spec }, String("spec")))
  return guard
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

describe("check", () => {
  const asks = (facts: Effect.Effect<Ownership<"job">, unknown>) =>
    Effect.gen(function* () {
      const { heard, refusals } = listening()
      const checking = Effect.either(Effect.provideService(resourceOwned.check(facts, asked), Refusals, refusals))
      const fiber = yield* Effect.fork(checking)
      yield* TestClock.adjust("999 millis")
      const early = Option.isSome(yield* Fiber.poll(fiber))
      yield* TestClock.adjust("1 millis")
      return { outcome: yield* Fiber.join(fiber), heard, early }
    })

  effect("passes what is fetched in time, and tells nobody", () =>
    Effect.gen(function* () {
      const { early, heard, outcome } = yield* asks(Effect.delay(Effect.succeed(facts), "900 millis"))
      expect([Either.getOrThrow(outcome).facts, heard, early]).toEqual([facts, [], true])
    })
  )

  const failures: ReadonlyArray<readonly [string, Effect.Effect<Ownership<"job">, unknown>]> = [
    ["Error", Effect.fail(new Error("xyzzy"))],
    ["LogUnavailable", Effect.fail({ _tag: "LogUnavailable" })],
    ["\ufffd", Effect.fail({ _tag: "\n" })],
    ["object", Effect.fail({ _tag: 1 })],
    ["object", Effect.fail(null)],
    ["undefined", Effect.fail(undefined)],
    ["string", Effect.fail("xyzzy")],
    ["TypeError", Effect.die(new TypeError("xyzzy"))],
    ["interrupted", Effect.interrupt],
    ["Late", Effect.never],
    ["Late", Effect.uninterruptible(Effect.never)],
    [
      "unreadable",
      Effect.fail({
        get _tag(): string {
          throw new Error("xyzzy")
        }
      })
    ]
  ]
  for (const [note, failing] of failures)
    effect(`is uncertain when facts are ${note}, in words that quote nothing of it`, () =>
      Effect.gen(function* () {
        const { early, heard, outcome } = yield* asks(failing)
        const refused = Either.getOrThrow(Either.flip(outcome))
        expect(refused).toMatchObject({
          point: "D17",
          certainty: "uncertain",
          reason: { code: "uncertain", status: 503, retryAfterSeconds: 1, uncertain: true, note: `facts: ${note}` }
        })
        expect(refused.message).toContain("not certain that the caller's key is the owner's key (D17 resource-owned)")
        expect(refused.message).toContain("Nothing was done; try again")
        expect(heard).toEqual([[refused, asked]])
        expect(early).toBe(note !== "Late")
      })
    )
})

describe("decide", () => {
  const noteOf = (given: unknown) =>
    Either.match(D17.decide(given), { onLeft: ({ reason }) => reason.note, onRight: () => "permitted" })

  it("says what is not known, and only that", () => {
    for (const given of [undefined, null, "facts", 7, true]) expect(noteOf(given)).toBe("not known: facts")
    expect(noteOf({ ...facts, owner: undefined })).toBe("not known: owner")
  })

  it("is uncertain when the rule cannot be trusted", () => {
    const broken = (rule: (facts: { readonly a: number }) => unknown) => {
      const spec = { name: "broken", claim: "it holds", known: { a: () => true }, rule }
      return Either.getOrThrow(Either.flip(minted(spec).decide({ a: 1 }))).reason
    }
    const words: ReadonlyArray<readonly [() => unknown, string]> = [
      [() => undefined, "the rule gave no answer"],
      [() => null, "the rule gave no answer"],
      [() => false, "the rule gave no answer"],
      [() => "yes", "the rule gave no answer"],
      [() => ({}), "the rule gave no answer"],
      [() => Promise.resolve(true), "the rule gave no answer"],
      [() => JSON.parse("xyzzy"), "the rule threw SyntaxError"]
    ]
    for (const [rule, note] of words)
      expect(broken(rule)).toMatchObject({ code: "uncertain", status: 503, uncertain: true, note })
  })

  it("lets a point say in its own words that it is uncertain", () => {
    const spec = {
      name: "worded",
      claim: "it holds",
      known: { a: flag },
      uncertain: { code: "own", status: 500 } as const
    }
    const refused = Either.getOrThrow(Either.flip(minted({ ...spec, rule: () => true }).decide({ a: 1 })))
    expect(refused.reason).toMatchObject({ code: "own", status: 500, uncertain: true, note: "not known: a" })
  })

  it("waits for as long as the point says", () => {
    const guard = minted({
      name: "slow",
      claim: "it holds",
      known: { a: flag },
      deadline: "5 millis",
      rule: () => true
    })
    const checked = guard.check(Effect.never, asked)
    return Effect.runPromise(
      Effect.flip(Effect.provideService(checked, Refusals, { note: () => Effect.void })).pipe(
        Effect.map(({ reason }) => expect(reason.note).toBe("facts: Late"))
      )
    )
  })

  it("keeps lists and records of its own in the permit, frozen", () => {
    const guard = minted({ name: "deep", claim: "it holds", known: { a: anything }, rule: () => true })
    const inner = { b: ["c"], n: null }
    const { facts } = Either.getOrThrow(guard.decide({ a: inner }))
    expect(facts).toEqual({ a: { b: ["c"], n: null } })
    inner.b.push("d")
    expect(facts).toEqual({ a: { b: ["c"], n: null } })
    const held = Reflect.get(Object(facts), "a")
    expect([Object.isFrozen(facts), Object.isFrozen(held), Object.isFrozen(held.b)]).toEqual([true, true, true])
  })
})

describe("refused", () => {
  it("reads as its reason", () => {
    const refused = resourceOwned.refuse({ code: "not_owner", message: "belongs to another key", status: 403 })
    expect(refused).toBeInstanceOf(Refused)
    expect(refused.message).toBe("belongs to another key")
    expect(refused.certainty).toBe("refused")
  })
})
