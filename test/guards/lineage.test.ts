/** What may be asked for a child key, and what a service may be handed of one. */
import { Effect, Either } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Grants, type Limits, noLimits, type Scope, scopes } from "../../events/Grants.js"
import { childKeyOf } from "../../src/guards/ChildKey.js"
import {
  type Bearing,
  descentWellformed,
  GENERATIONS,
  grantsOf,
  limitNames,
  stronger,
  type Wanted
} from "../../src/guards/Descent.js"
import { entitlementOf } from "../../src/guards/Entitlement.js"
import { type Handing, ownKeyKept } from "../../src/guards/OwnKey.js"
import { Refusals } from "../../src/guards/Refusals.js"
import { live } from "../support/it.js"

const bearing = (grants: Partial<Grants>, more: Partial<Bearing> = {}): Bearing => {
  const all: Grants = { tier: "5", limits: noLimits, scopes, ...grants }
  const has = entitlementOf({ ...all, line: [] })
  return { key: "unsb-pk-0", tier: all.tier, generation: 0, expiresAt: null, has, ...more }
}

const asked = (parent: Bearing, wanted: Wanted, expiresAt: number | null = null) =>
  Either.match(descentWellformed.decide({ parent, wanted, expiresAt }), {
    onLeft: ({ reason }) => reason,
    onRight: () => undefined
  })

describe("what is asked for a child key", () => {
  it("may be all that its parent has, and no more of any of it", () => {
    const parent = bearing({})
    for (const [limit, name] of limitNames) {
      const has = parent.has[limit]
      expect(asked(parent, { limits: { [limit]: has } }), name).toBeUndefined()
      expect(asked(parent, { limits: { [limit]: null } }), name).toBeUndefined()
      const beyond = asked(parent, { limits: { [limit]: has + 1 } })
      expect(beyond, name).toMatchObject({ code: "beyond_parent", status: 403 })
      expect(beyond?.details).toEqual({ limit: name, asked: has + 1, parent_has: has })
      expect(beyond?.message).toContain(`${name}: ${has + 1} is more than the parent has (${has})`)
    }
  })

  it("may be a tier that is no larger", () => {
    const order = ["free", "1", "5", "32", "unlimited"]
    for (const has of order)
      for (const tier of order) {
        const refused = asked(bearing({ tier: has }), { tier })
        expect(refused?.details, `${tier} below ${has}`).toEqual(
          order.indexOf(tier) <= order.indexOf(has) ? undefined : { limit: "tier", asked: tier, parent_has: has }
        )
      }
    expect(asked(bearing({ tier: "33" }), { tier: "1" })).toMatchObject({ details: { limit: "tier" } })
    expect(asked(bearing({}), { tier: "0" })).toMatchObject({ details: { limit: "tier" } })
  })

  it("may be scopes that its parent has", () => {
    const parent = bearing({ scopes: ["execute", "services"] })
    expect(asked(parent, { scopes: ["services"] })).toBeUndefined()
    expect(asked(parent, { scopes: ["execute", "images"] })?.details).toEqual({
      ...{ limit: "scopes", asked: "images", parent_has: "execute, services" }
    })
    expect(asked(bearing({ scopes: [] }), { scopes: ["images"] })?.details).toMatchObject({ parent_has: "none" })
  })

  it("may last as long as its parent", () => {
    const parent = bearing({}, { expiresAt: 5_000_000 })
    for (const at of [null, 1, 5_000_000]) expect(asked(parent, {}, at)).toBeUndefined()
    expect(asked(parent, {}, 6_000_000)?.details).toEqual({
      ...{ limit: "expires", asked: "1970-01-01T00:00:06.000Z", parent_has: "1970-01-01T00:00:05.000Z" }
    })
    expect(asked(bearing({}), {}, 6_000_000)).toBeUndefined()
  })

  it("is refused below the last generation", () => {
    expect(asked(bearing({}, { generation: GENERATIONS - 1 }), {})).toBeUndefined()
    const refused = asked(bearing({}, { generation: GENERATIONS }), {})
    expect(refused).toMatchObject({ code: "line_too_long", status: 403, details: { asked: GENERATIONS + 1 } })
    expect(refused?.message).toContain("unsb-pk-0 is of generation 8")
  })

  it("never makes more of a child than its parent is", () => {
    const number = fc.option(fc.nat(200), { nil: null })
    const limits: fc.Arbitrary<Limits> = fc.record({
      ...{ rpm: number, burst: number, concurrency: number, vcpu: number, ttlSeconds: number },
      ...{ services: number, snapshots: number, images: number, keptBytes: number }
    })
    const tier = fc.constantFrom("free", "1", "7", "32", "unlimited")
    const grants = fc.record({ tier, limits, scopes: fc.subarray<Scope>([...scopes]) })
    fc.assert(
      fc.property(grants, grants, (parent, child) => {
        const [above, below] = [entitlementOf({ ...parent, line: [] }), entitlementOf({ ...child, line: [parent] })]
        for (const [limit] of limitNames) expect(below[limit]).toBeLessThanOrEqual(above[limit])
        for (const scope of below.scopes) expect(above.scopes).toContain(scope)
      })
    )
  })

  it("leaves what is not named as it is", () => {
    const usual: Grants = { tier: "3", limits: { ...noLimits, rpm: 5, burst: 6 }, scopes: ["execute"] }
    expect(grantsOf({}, usual)).toEqual(usual)
    expect(grantsOf({ tier: "1", limits: { rpm: null, vcpu: 2 }, scopes: ["images"] }, usual)).toEqual({
      ...{ tier: "1", limits: { ...noLimits, burst: 6, vcpu: 2 }, scopes: ["images"] }
    })
  })

  it("is asked at least what its parent is", () => {
    expect([stronger("on", "off"), stronger("off", "on"), stronger("on", "always")]).toEqual(["on", "on", "always"])
  })
})

describe("child_key", () => {
  const read = (value: unknown) => Either.getOrElse(childKeyOf(value), ({ details, message }) => ({ details, message }))

  it("is nothing, or all that the caller has", () => {
    for (const value of [undefined, null, false, "false", "", 0, "0"]) expect(read(value)).toBeUndefined()
    for (const value of [true, "true", 1, "1", {}]) expect(read(value)).toEqual({})
  })

  it("is what of it the child may have", () => {
    const all = { tier: 3, scopes: ["execute", "execute"], rpm: 1, burst: 2, concurrency: 3, vcpu: 4, ttl: 5 }
    expect(read({ ...all, services: 6, snapshots: 7, images: 8, kept_bytes: 9 })).toEqual({
      ...{ tier: "3", scopes: ["execute"] },
      limits: {
        ...{ rpm: 1, burst: 2, concurrency: 3, vcpu: 4, ttlSeconds: 5 },
        ...{ services: 6, snapshots: 7, images: 8, keptBytes: 9 }
      }
    })
    expect(read({ scopes: "execute, images", tier: null, rpm: null })).toEqual({ scopes: ["execute", "images"] })
  })

  it("is refused with everything that it could not mean", () => {
    const wrong = ["yes", [], 2, { concurency: 1 }, { rpm: -1 }, { rpm: "1" }, { rpm: 1.5 }, { ttl: {} }]
    for (const value of [...wrong, { tier: 33 }, { tier: 0 }, { scopes: [] }, { scopes: ["root"] }, { scopes: 1 }])
      expect(read(value), JSON.stringify(value)).toMatchObject({ details: { field: "child_key" } })
    expect(read({ concurency: 1 })).toMatchObject({ message: expect.stringContaining('"concurency"') })
  })
})

describe("the caller's own key", () => {
  const [own, above] = ["unsb-sk-00000-own", "unsb-sk-00000-above"]
  const fields = { vault: "env", bootstrap: "bootstrap", file: "input_files" } as const
  const handing = (where: keyof typeof fields, value: string | Uint8Array): Handing => ({
    handed: [
      { where: "vault", name: "EMPTY", value: "" },
      { where, name: "A", value }
    ],
    secrets: [own, above]
  })

  it("is kept out of vaults, bootstraps and files, and so are those above it", () => {
    for (const secret of [own, above])
      for (const [where, value] of [
        ["vault", `x${secret}y`],
        ["bootstrap", `x${secret}y`],
        ["file", `x${secret}y`],
        ["file", Buffer.from(`\xff${secret}\xff`, "latin1")],
        ["file", new Uint8Array(Buffer.from(`xxxx${secret}`)).subarray(4)]
      ] as const) {
        const refused = Either.flip(ownKeyKept.decide(handing(where, value)))
        expect(Either.getOrThrow(refused).reason).toMatchObject({
          ...{ code: `own_key_in_${where}`, status: 400, message: expect.stringContaining("child_key") },
          details: { field: fields[where] }
        })
        expect(JSON.stringify(refused)).not.toContain(secret)
      }
    const passed = Either.getOrThrow(ownKeyKept.decide(handing("vault", "unsb-sk-00000-other")))
    expect(passed.facts).toEqual({})
  })

  live("is not looked for in vain: who cannot be known is refused", () =>
    Effect.gen(function* () {
      const unknown: ReadonlyArray<Effect.Effect<Handing, Error>> = [
        Effect.fail(new Error("no store")),
        Effect.succeed({ ...handing("vault", "x"), secrets: [] }),
        Effect.succeed({ ...handing("vault", "x"), secrets: [""] })
      ]
      for (const facts of unknown) {
        const refused = yield* Effect.flip(ownKeyKept.check(facts, { principal: "k", action: "PUT" }))
        expect(refused).toMatchObject({ certainty: "uncertain", reason: { status: 503 } })
      }
    }).pipe(Effect.provideService(Refusals, Refusals.of({ note: () => Effect.void })))
  )
})
