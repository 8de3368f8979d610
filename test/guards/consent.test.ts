/** Verifies: a consent serves this caller for this very thing alone, and the history tells all of it. */
import { Either } from "effect"
import { describe, expect, it } from "vitest"
import type { DecisionPoint } from "../../events/Ids.js"
import { PublicKey } from "../../events/Ids.js"
import { type Consent, isFor, told } from "../../src/guards/Consent.js"
import { evidenceOf } from "../../src/guards/Evidence.js"
import { anything } from "../../src/guards/Fact.js"
import { Permit } from "../../src/guards/Guard.js"
import { humanConfirmed } from "../../src/guards/HumanConfirmed.js"
import { keyKnown } from "../../src/guards/KeyKnown.js"
import { lineageClear } from "../../src/guards/LineageClear.js"
import { escaped } from "../../src/guards/Quote.js"
import { requestUnreplayed } from "../../src/guards/RequestUnreplayed.js"
import { resourceOwned } from "../../src/guards/ResourceOwned.js"
import { action, signed as credentials, JOB, KEY, NOW } from "./points.js"

const OTHER = PublicKey.make("unsb-pk-else-0000-0000-0001")
const issued = <A>(decision: Either.Either<A, unknown>): A => Either.getOrThrow(decision)

interface Whose {
  readonly actor?: string
  readonly owner?: string
  readonly confirmed?: PublicKey
  readonly signed?: string
}

const consent = ({
  actor = KEY,
  confirmed = PublicKey.make(KEY),
  owner = KEY,
  signed = KEY
}: Whose = {}): Consent<"job"> => ({
  caller: [issued(keyKnown.decide({ credentials, record: { key: KEY } }))],
  clear: issued(
    lineageClear.decide({ kind: "job", resource: JOB, owner, actor, line: [], dwellings: ["a", "b"], home: null })
  ),
  confirmed: issued(
    humanConfirmed.decide({
      action: { ...action, key: confirmed },
      mode: "waived",
      answer: undefined,
      offered: undefined,
      held: undefined,
      now: NOW * 1_000_000,
      steady: true
    })
  ),
  unreplayed: issued(
    requestUnreplayed.decide({
      publicKey: signed,
      request: "r",
      memory: "first",
      remembersUntil: (NOW + 300) * 1_000,
      validUntil: (NOW + 300) * 1_000
    })
  )
})

describe("a consent", () => {
  it("is for its owner's thing", () => expect(isFor(consent(), JOB, KEY)).toBe(true))
  const elsewhere: { readonly [what: string]: Whose } = {
    "of another caller": { actor: OTHER, confirmed: OTHER, signed: OTHER },
    "of another owner": { owner: OTHER },
    "that another has confirmed": { confirmed: OTHER },
    "that another has signed": { signed: OTHER }
  }
  for (const [what, whose] of Object.entries(elsewhere))
    it(`${what} is for nobody's`, () => expect(isFor(consent(whose), JOB, KEY)).toBe(false))
  it("is for no other thing and no other owner", () => {
    const another = JOB.replace("1", "2")
    expect(isFor<"image" | "job">(consent() as Consent<"job">, another as typeof JOB, KEY)).toBe(false)
    expect(isFor(consent(), JOB, OTHER)).toBe(false)
    expect(isFor(consent({ actor: OTHER, confirmed: OTHER, owner: OTHER, signed: OTHER }), JOB, KEY)).toBe(false)
    expect(isFor(consent({ actor: OTHER, confirmed: OTHER, signed: OTHER }), JOB, KEY)).toBe(false)
  })
  it("is told whole, in the order in which it was given", () => {
    const owned = issued(resourceOwned.decide({ kind: "job", actor: KEY, resource: JOB, owner: KEY }))
    expect(told(consent(), owned).map(({ point }) => point)).toEqual(["D01", "D17", "D19", "D21", "D05"])
  })
})

describe("evidence", () => {
  const carrying = (facts: object) => {
    const spec = {
      name: "any",
      claim: "any",
      known: { a: anything, b: anything, c: anything, d: anything },
      rule: () => true as const
    }
    const guard = Permit.guard<DecisionPoint, object>("D17", Reflect.get({ spec }, String("spec")))
    return issued(guard.decide(facts))
  }
  it("is flat: words, numbers and what is one below", () =>
    expect(
      evidenceOf(carrying({ a: "x", b: null, c: 1, d: false }), carrying({ a: ["y", 2, {}], b: { e: 1, f: { g: 2 } } }))
    ).toEqual([
      { point: "D17", facts: { a: "x", b: null, c: 1, d: false } },
      { point: "D17", facts: { a: "y 2", "b.e": 1 } }
    ]))
  it("leaves out what nobody reads", () => {
    expect(evidenceOf(carrying({ a: undefined, b: new Uint8Array(2) }))).toEqual([{ point: "D17", facts: {} }])
    expect(evidenceOf()).toEqual([])
  })
})

describe("text that is not to be seen", () => {
  it("is told by its number, all of it", () =>
    expect(escaped("a\nb\u0007\u202e\u2066\u061c\u200f\ud800 ü\n")).toBe(
      "a\\u000ab\\u0007\\u202e\\u2066\\u061c\\u200f\\ud800 ü\\u000a"
    ))
})
