import { Either } from "effect"
import { describe, expect, it } from "vitest"
import * as EgressPolicy from "../../actors/egress/EgressPolicy.js"
import type { EgressEvent } from "../../events/Egress.js"
import { parse } from "../../src/guards/EgressRule.js"
import { spec } from "../support/given.js"

const given = spec(EgressPolicy)
const { Allow, Clear, Deny } = EgressPolicy.Command

const rules = (...texts: ReadonlyArray<string>) => texts.map((text) => Either.getOrThrow(parse(text)))
const changed = (changes: Partial<EgressEvent>): EgressEvent => ({
  _tag: "EgressPolicyChanged",
  key: null,
  allow: [],
  deny: [],
  opens: [],
  ...changes
})

describe("lists of the way out", () => {
  const both = changed({ allow: ["a.example", "10.0.0.0/8"], deny: ["b.example"], opens: ["10.0.0.0/8"] })
  it("begin empty", () =>
    given()
      .when(Allow({ key: null, rules: rules("a.example") }))
      .gives(changed({ allow: ["a.example"] })))
  it("tell which rules open closed addresses", () =>
    given()
      .when(Allow({ key: null, rules: rules("*", "192.168.1.1") }))
      .gives(changed({ allow: ["*", "192.168.1.1"], opens: ["192.168.1.1"] })))
  it("remember that, also when something else changes", () =>
    given(both)
      .when(Deny({ key: null, rules: rules("c.example") }))
      .gives({ ...both, deny: ["b.example", "c.example"] }))
  it("have no rule twice", () =>
    given(both)
      .when(Deny({ key: null, rules: rules("a.example") }))
      .gives(changed({ allow: ["10.0.0.0/8"], deny: ["b.example", "a.example"], opens: ["10.0.0.0/8"] })))
  it("are left as they are by what they say already", () =>
    given(both)
      .when(Allow({ key: null, rules: rules("a.example") }))
      .gives())
  it("lose a rule", () =>
    given(both)
      .when(Clear({ key: null, rules: rules("10.0.0.0/8") }))
      .gives(changed({ allow: ["a.example"], deny: ["b.example"] })))
  it("are cleared", () =>
    given(both)
      .when(Clear({ key: null, rules: [] }))
      .gives(changed({})))
  it("have an end", () => {
    const many = Array.from({ length: EgressPolicy.LONGEST + 1 }, (_, at) => ({ text: `h${at}.example`, opens: false }))
    given()
      .when(Deny({ key: null, rules: many }))
      .rejects()
    expect(Either.isRight(EgressPolicy.decide(EgressPolicy.initial, Deny({ key: null, rules: many.slice(1) })))).toBe(
      true
    )
  })
})
