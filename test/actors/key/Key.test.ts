import { Either } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Key from "../../../actors/key/Key.js"
import { noLimits } from "../../../events/Grants.js"
import { PublicKey, ServiceId } from "../../../events/Ids.js"
import type { KeyEvent } from "../../../events/Key.js"
import { GENERATIONS } from "../../../src/guards/Descent.js"
import { keyCreated } from "../../support/births.js"
import { spec } from "../../support/given.js"

const key = PublicKey.make("unsb-pk-test-0000-0000-0001")
const parent = PublicKey.make("unsb-pk-test-0000-0000-0002")
const service = ServiceId.make(`unsb-service-${"0".repeat(16)}`)
const { _tag: _, ...birth } = keyCreated(key, { label: "ci" })
const created: KeyEvent = keyCreated(key, birth)
const suspended: KeyEvent = { _tag: "KeySuspended", key, reason: "leaked" }
const resumed: KeyEvent = { _tag: "KeyResumed", key }
const revoked: KeyEvent = { _tag: "KeyRevoked", key, reason: "leaked" }
const grants = { tier: "3", limits: { ...noLimits, rpm: 5 }, scopes: ["execute"] } as const

const C = Key.Command
const given = spec(Key)

/** What each command becomes where it is legal. */
const changes: ReadonlyArray<readonly [Key.Command, KeyEvent]> = [
  [C.Extend({ expiresAt: 9 }), { _tag: "KeyExtended", key, expiresAt: 9 }],
  [C.Grant({ grants }), { _tag: "KeyGranted", key, ...grants }],
  [C.SetConfirm({ confirm: "always" }), { _tag: "KeyConfirmationSet", key, confirm: "always" }]
]

describe("a key", () => {
  const Create = C.Create({ created: birth })
  it("is created once", () => {
    given().when(Create).gives(created)
    for (const past of [[created], [created, suspended], [created, revoked]])
      given(...past)
        .when(Create)
        .rejects()
  })

  it("is suspended, and resumed, each where it changes something", () => {
    given(created)
      .when(C.Suspend({ reason: "leaked" }))
      .gives(suspended)
    given(created, suspended).when(C.Resume()).gives(resumed)
    given(created).when(C.Resume()).rejects()
    given(created, suspended)
      .when(C.Suspend({ reason: "x" }))
      .rejects()
  })

  it("is revoked, active or suspended", () => {
    given(created)
      .when(C.Revoke({ reason: "leaked" }))
      .gives(revoked)
    given(created, suspended)
      .when(C.Revoke({ reason: "leaked" }))
      .gives(revoked)
  })

  it("is changed while it lives, suspended or not", () => {
    for (const [command, event] of [...changes]) {
      given(created).when(command).gives(event)
      given(created, suspended).when(command).gives(event)
    }
  })

  it("is not told again what it is already", () => {
    const later: KeyEvent = { _tag: "KeyExtended", key, expiresAt: 9 }
    const always: KeyEvent = { _tag: "KeyConfirmationSet", key, confirm: "always" }
    given(created)
      .when(C.Extend({ expiresAt: null }))
      .gives()
    given(created, later)
      .when(C.Extend({ expiresAt: 9 }))
      .gives()
    given(created)
      .when(C.SetConfirm({ confirm: "on" }))
      .gives()
    given(created, always)
      .when(C.SetConfirm({ confirm: "always" }))
      .gives()
  })
})

describe("the birth of a key", () => {
  const born = (more: Partial<typeof birth>) => Key.decide(Key.initial, C.Create({ created: { ...birth, ...more } }))

  it("is of a generation with a parent, and of none without", () => {
    expect(Either.isRight(born({ parent, generation: 1 }))).toBe(true)
    expect(Either.isRight(born({ parent, generation: GENERATIONS, givenTo: service }))).toBe(true)
    for (const more of [{ generation: 1 }, { parent, generation: 0 }, { parent, generation: GENERATIONS + 1 }])
      expect(Either.isLeft(born(more)), JSON.stringify(more)).toBe(true)
  })

  it("is of nobody's own child, and gives services none but children", () => {
    expect(Either.isLeft(born({ parent: key, generation: 1 }))).toBe(true)
    expect(Either.isLeft(born({ givenTo: service }))).toBe(true)
  })
})

const commands = fc.constantFrom<Key.Command>(
  C.Create({ created: birth }),
  C.Suspend({ reason: "x" }),
  C.Resume(),
  C.Revoke({ reason: "x" }),
  C.Extend({ expiresAt: 1 }),
  C.Extend({ expiresAt: null }),
  C.SetConfirm({ confirm: "off" }),
  C.SetConfirm({ confirm: "on" }),
  ...changes.map(([command]) => command)
)

const lives = (chosen: ReadonlyArray<Key.Command>) => {
  const events: Array<KeyEvent> = []
  let state = Key.initial
  for (const command of chosen) {
    const told = Either.getOrElse(Key.decide(state, command), () => [])
    events.push(...told)
    state = told.reduce(Key.evolve, state)
  }
  return { events, state }
}

describe("whatever happens to a key", () => {
  const any = fc.array(commands, { maxLength: 40 })
  const count = (events: ReadonlyArray<KeyEvent>, tag: KeyEvent["_tag"]) =>
    events.filter(({ _tag }) => _tag === tag).length

  it("it can be revoked, and nothing happens to it after that", () =>
    fc.assert(
      fc.property(any, any, (before, after) => {
        const events = lives([C.Create({ created: birth }), ...before, C.Revoke({ reason: "x" }), ...after]).events
        expect(events.at(-1)?._tag).toBe("KeyRevoked")
        expect(count(events, "KeyRevoked")).toBe(1)
      })
    ))

  it("nothing happens to one that is not there", () =>
    fc.assert(
      fc.property(any, (chosen) => {
        const unborn = chosen.filter(({ _tag }) => _tag !== "Create")
        expect(lives(unborn)).toEqual({ events: [], state: Key.initial })
      })
    ))

  it("its history leads to what it is, and it is suspended once more often than resumed", () =>
    fc.assert(
      fc.property(any, (chosen) => {
        const { events, state } = lives(chosen)
        expect(events.reduce(Key.evolve, Key.initial)).toEqual(state)
        const open = count(events, "KeySuspended") - count(events, "KeyResumed")
        if (state._tag !== "Revoked") expect(open).toBe(state._tag === "Suspended" ? 1 : 0)
      })
    ))

  it("what it is granted never makes a refused key a good one", () =>
    fc.assert(
      fc.property(any, fc.constantFrom(...changes), (chosen, [command]) => {
        const { state } = lives(chosen)
        const after = Either.getOrElse(Key.decide(state, command), () => []).reduce(Key.evolve, state)
        expect(after._tag).toBe(state._tag)
      })
    ))
})
