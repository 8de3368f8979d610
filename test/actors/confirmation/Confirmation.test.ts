/** Verifies: a challenge is answered once, for its action, in time, within five attempts. */
import { Array as Arr, Either } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Code from "../../../actors/confirmation/Code.js"
import * as Confirmation from "../../../actors/confirmation/Confirmation.js"
import type { ConfirmationEvent } from "../../../events/Confirmation.js"
import { ChallengeId, Digest } from "../../../events/Ids.js"
import { key } from "../../support/drafts.js"
import { spec } from "../../support/given.js"

const given = spec(Confirmation)
const { Answer, Ask, Void } = Confirmation.Command
const { Device, Mac } = Confirmation.Proof

const challenge = ChallengeId.make(`unsb-challenge-${"1".repeat(32)}`)
const digest = (of: string) => Digest.make(`sha256:${of.repeat(64)}`)
const action = { key: key(1), method: "DELETE", path: "/services/x", bodyDigest: digest("0") }
const asked = {
  challenge,
  ...action,
  expiresAt: 1_000,
  channel: "console",
  holder: key(1),
  codeMac: "ab".repeat(32)
} as const
const of = { challenge, key: key(1) }
const was: ConfirmationEvent = { _tag: "ConfirmationAsked", ...asked }
const byDevice: ConfirmationEvent = { ...was, channel: "totp", codeMac: null }
const missed = (misses: number): ConfirmationEvent => ({ _tag: "ConfirmationMissed", ...of, misses })
const given_: ConfirmationEvent = { _tag: "ConfirmationGiven", ...of }
const voided = (cause: "attempts" | "superseded"): ConfirmationEvent => ({ _tag: "ConfirmationVoided", ...of, cause })

const right = Mac({ mac: Buffer.from("ab".repeat(32), "hex") })
const wrong = Mac({ mac: Buffer.from("ac".repeat(32), "hex") })
const answer = (changes: Partial<Parameters<typeof Answer>[0]> = {}) =>
  Answer({ action, proof: right, at: 999, ...changes })

const why = (past: ReadonlyArray<ConfirmationEvent>, command: Confirmation.Command) =>
  Either.match(Confirmation.decide(past.reduce(Confirmation.evolve, Confirmation.initial), command), {
    onLeft: (rejected) => rejected.why,
    onRight: () => "accepted"
  })

describe("a challenge", () => {
  it("is asked once", () => {
    given().when(Ask({ asked })).gives(was)
    given(was).when(Ask({ asked })).rejects()
    expect(why([was], Ask({ asked }))).toBe("exists")
  })
  it("is given by the right code, in time", () => given(was).when(answer()).gives(given_))
  it("is over at its time, not a moment later", () => {
    expect(why([was], answer({ at: 1_000 }))).toBe("expired")
    given(was)
      .when(answer({ at: 1_000 }))
      .rejects()
  })
  it("counts what was wrong, and is void after the fifth", () => {
    const misses = Arr.makeBy(4, (n) => missed(n + 1))
    given(was)
      .when(answer({ proof: wrong }))
      .gives(missed(1))
    given(was, missed(1))
      .when(answer({ proof: wrong }))
      .gives(missed(2))
    given(was, ...misses)
      .when(answer({ proof: wrong }))
      .gives(missed(5), voided("attempts"))
    given(was, ...misses)
      .when(answer())
      .gives(given_)
    expect(why([was, ...misses, missed(5), voided("attempts")], answer())).toBe("exhausted")
  })
  it("takes a digest of another length for a wrong one", () =>
    given(was)
      .when(answer({ proof: Mac({ mac: Buffer.alloc(0) }) }))
      .gives(missed(1)))
  it("is not answered by a device when it has a code, nor by a code when a device makes them", () => {
    given(was)
      .when(answer({ proof: Device({ right: true }) }))
      .gives(missed(1))
    given(byDevice).when(answer()).gives(missed(1))
    given(byDevice)
      .when(answer({ proof: Device({ right: true }) }))
      .gives(given_)
    given(byDevice)
      .when(answer({ proof: Device({ right: false }) }))
      .gives(missed(1))
  })
  for (const [what, past, expected] of [
    ["given", [was, given_], "spent"],
    ["void", [was, voided("superseded")], "void"],
    ["unknown", [], "unknown"]
  ] as const)
    it(`is not answered when it is ${what}`, () => expect(why(past, answer())).toBe(expected))
  for (const changes of [{ method: "POST" }, { path: "/services/y" }, { bodyDigest: digest("1") }])
    it(`is for one action: not for another ${Object.keys(changes)}`, () => {
      expect(why([was], answer({ action: { ...action, ...changes } }))).toBe("elsewhere")
    })
  it("tells another key nothing, whatever became of it", () => {
    const strange = answer({ action: { ...action, key: key(2) } })
    for (const past of [[], [was], [was, given_], [was, voided("attempts")]]) expect(why(past, strange)).toBe("unknown")
  })
  it("is made void once, and only while it is open", () => {
    given(was)
      .when(Void({ cause: "superseded" }))
      .gives(voided("superseded"))
    for (const past of [[], [was, given_], [was, voided("attempts")]])
      given(...past)
        .when(Void({ cause: "superseded" }))
        .gives()
  })
  it("does not begin with anything but being asked", () => {
    for (const event of [missed(1), given_, voided("attempts")])
      expect(Confirmation.evolve(Confirmation.initial, event)).toEqual(Confirmation.initial)
  })
})

describe("whatever is sent to a challenge", () => {
  const command = fc.oneof(
    fc.constant(Ask({ asked })),
    fc
      .record({ at: fc.integer({ min: 0, max: 2_000 }), proof: fc.constantFrom(right, wrong, Device({ right: true })) })
      .map(answer),
    fc.constantFrom(answer({ action: { ...action, key: key(2) } }), Void({ cause: "superseded" }))
  )
  it("it is given at most once, in time, and after at most five misses that stay so", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        let state = Confirmation.initial
        const history: Array<ConfirmationEvent> = []
        for (const one of commands) {
          const decided = Confirmation.decide(state, one)
          if (Either.isLeft(decided)) continue
          if (decided.right.some(({ _tag }) => _tag === "ConfirmationGiven"))
            expect(one).toMatchObject({ proof: right, action: { key: key(1) } })
          if (one._tag === "Answer" && decided.right.length > 0) expect(one.at).toBeLessThan(asked.expiresAt)
          history.push(...decided.right)
          state = decided.right.reduce(Confirmation.evolve, state)
        }
        const ends = history.filter(({ _tag }) => _tag === "ConfirmationGiven" || _tag === "ConfirmationVoided")
        expect(ends.length).toBeLessThanOrEqual(1)
        expect(history.filter(({ _tag }) => _tag === "ConfirmationMissed").length).toBeLessThanOrEqual(
          Confirmation.ATTEMPTS
        )
        if (ends.length === 1) expect(history.at(-1)).toBe(ends[0])
      }),
      { numRuns: 500 }
    )
  })
})

describe("a device's code", () => {
  const use = { _tag: "Use", key: key(1), step: 7 } as const
  const used = { _tag: "ConfirmationCodeUsed", key: key(1), step: 7 } as const
  it("is used once", () => {
    expect(Code.decide(Code.initial, use)).toEqual(Either.right([used]))
    expect(Code.decide(Code.evolve(Code.initial, used), use)).toMatchObject({ left: { in: "Used", command: "Use" } })
  })
})
