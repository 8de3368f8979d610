/** Verifies: an enrolled authenticator confirms, each of its codes once, and nothing of it is in the log. */
import { Effect, Either } from "effect"
import { Secret, TOTP } from "otpauth"
import { describe, expect } from "vitest"
import { stream } from "../../../events/Envelope.js"
import { live } from "../../support/it.js"
import { directory } from "../../support/storage.js"
import { action, another, challenged, living, Moved, owner, refused, stranger, type World, wrong } from "./world.js"

const STEP = 30_000

/** An authenticator that read the URI, with a clock of its own. */
const device = (uri: string, time: Moved) => {
  const secret = new URL(uri).searchParams.get("secret") ?? ""
  const totp = new TOTP({ secret: Secret.fromBase32(secret) })
  return (offset = 0) => totp.generate({ timestamp: time.clock.unsafeCurrentTimeMillis() + offset })
}

/** At the middle of a step: what is shown now is shown for a while. */
const settled = (time: Moved) => {
  time.both += STEP - (time.clock.unsafeCurrentTimeMillis() % STEP) + STEP / 2
}

const enrolled = ({ contacts }: World, time: Moved) =>
  Effect.gen(function* () {
    settled(time)
    const shows = device(yield* contacts.enrol(owner), time)
    yield* contacts.confirm(owner, shows(), "operator")
    time.both += 2 * STEP
    return shows
  })

const world = <A, E>(body: (world: World, time: Moved) => Effect.Effect<A, E>) => {
  const time = new Moved()
  return Effect.flatMap(directory, (data) => living({ data, clock: time.clock }, (here) => body(here, time)))
}

describe("an authenticator", () => {
  live("confirms what the key does, and nothing is sent to anybody", () =>
    world((here, time) =>
      Effect.gen(function* () {
        const shows = yield* enrolled(here, time)
        const { challenge, code, details } = yield* challenged(here)
        expect([details?.channel, code, here.lines]).toEqual(["totp", "", []])
        const permit = yield* here.confirm({ answer: { challenge, code: shows() } })
        expect(permit.facts).toEqual({ ...action, mode: "confirmed", challenge, channel: "totp" })
      })
    )
  )

  live("may be a step early or late, and not two", () =>
    world((here, time) =>
      Effect.gen(function* () {
        const shows = yield* enrolled(here, time)
        for (const [offset, passes] of [
          [-2 * STEP, false],
          [2 * STEP, false],
          [-STEP, true],
          [STEP, true]
        ] as const) {
          const { challenge } = yield* challenged(here)
          const answer = yield* Effect.either(here.confirm({ answer: { challenge, code: shows(offset) } }))
          expect([offset, Either.isRight(answer)]).toEqual([offset, passes])
        }
      })
    )
  )

  live("shows codes that confirm once, also for another challenge, at once, and after a restart", () => {
    const time = new Moved()
    return Effect.flatMap(directory, (data) =>
      Effect.gen(function* () {
        const used = yield* living({ data, clock: time.clock }, (here) =>
          Effect.gen(function* () {
            const shows = yield* enrolled(here, time)
            const challenges = yield* Effect.forEach([1, 2, 3], (n) => challenged(here, another(n)))
            const code = shows()
            const tries = yield* Effect.all(
              challenges.map(({ challenge }, at) =>
                Effect.either(here.confirm({ action: another(at + 1), answer: { challenge, code } }))
              ),
              { concurrency: "unbounded" }
            )
            expect(tries.filter(Either.isRight)).toHaveLength(1)
            for (const one of tries) if (Either.isLeft(one)) expect(one.left.reason.code).toBe("invalid_otp")
            return code
          })
        )
        yield* living({ data, clock: time.clock }, (here) =>
          Effect.gen(function* () {
            const { challenge } = yield* challenged(here)
            expect((yield* refused(here, { answer: { challenge, code: used } })).code).toBe("invalid_otp")
          })
        )
      })
    )
  })

  live("has no code used up by a challenge that is closed", () =>
    world((here, time) =>
      Effect.gen(function* () {
        const shows = yield* enrolled(here, time)
        const first = yield* challenged(here)
        const elsewhere = { ...action, method: "POST" }
        const answer = { challenge: first.challenge, code: shows() }
        expect((yield* refused(here, { action: elsewhere, answer })).code).toBe("challenge_mismatch")
        expect((yield* here.confirm({ answer })).facts.mode).toBe("confirmed")
      })
    )
  )

  live("is guessed at five times", () =>
    world((here, time) =>
      Effect.gen(function* () {
        const shows = yield* enrolled(here, time)
        const { challenge } = yield* challenged(here)
        for (let n = 0; n < 5; n++)
          expect((yield* refused(here, { answer: { challenge, code: wrong(wrong(wrong(shows()))) } })).code).toBe(
            "invalid_otp"
          )
        expect((yield* refused(here, { answer: { challenge, code: shows() } })).code).toBe("too_many_attempts")
      })
    )
  )
})

describe("enrolling", () => {
  live("is done when the device showed a code, and not before", () =>
    world((here, time) =>
      Effect.gen(function* () {
        settled(time)
        const nothing = yield* Effect.flip(here.contacts.confirm(owner, "123456", "operator"))
        expect(nothing.message).toContain("otp enrol")
        const shows = device(yield* here.contacts.enrol(owner), time)
        expect((yield* challenged(here)).details).toMatchObject({ channel: "console" })
        const refusal = yield* Effect.flip(here.contacts.confirm(owner, wrong(wrong(wrong(shows()))), "operator"))
        expect(refusal).toMatchObject({ _tag: "ContactRefused" })
        const [code] = [shows()]
        yield* here.contacts.confirm(owner, code, "operator")
        expect((yield* here.contacts.list).find((one) => one.key === owner)?.totp).toBe(true)
        const { challenge, details } = yield* challenged(here)
        expect(details).toMatchObject({ channel: "totp" })
        // What enrolled it has been used.
        expect((yield* refused(here, { answer: { challenge, code } })).code).toBe("invalid_otp")
        const again = yield* Effect.flip(here.contacts.enrol(owner))
        expect(again.message).toContain("otp remove")
      })
    )
  )

  live("is undone by the operator, and is in the log without its secret", () =>
    world((here, time) =>
      Effect.gen(function* () {
        settled(time)
        const uri = yield* here.contacts.enrol(owner)
        const shows = device(uri, time)
        yield* here.contacts.confirm(owner, shows(), "operator")
        time.both += 2 * STEP
        const open = yield* challenged(here)
        yield* here.contacts.remove(owner, "operator")
        yield* here.contacts.remove(owner, "operator")
        const rows = yield* here.log.read(stream("key", owner))
        expect(rows.map(({ by, type }) => [type, by]).slice(1)).toEqual([
          ["KeyTotpEnrolled", "operator"],
          ["KeyTotpRemoved", "operator"]
        ])
        const secret = new URL(uri).searchParams.get("secret") ?? "?"
        expect(JSON.stringify(yield* here.log.page(0, 1_000))).not.toContain(secret)
        // What it was asked for it can no longer answer, nor can anybody.
        expect(yield* refused(here, { answer: { ...open, code: shows() } })).toMatchObject({ uncertain: true })
        expect((yield* challenged(here)).details).toMatchObject({ channel: "console" })
      })
    )
  )

  live("is for keys that can be used", () =>
    world((here) =>
      Effect.gen(function* () {
        const key = stranger
        yield* here.log.append({
          stream: stream("key", key),
          expected: 1,
          events: [{ _tag: "KeyRevoked", key, reason: "lost" }],
          by: "operator"
        })
        for (const attempt of [here.contacts.enrol(key), here.contacts.remove(key, "operator")])
          expect(yield* Effect.flip(attempt)).toMatchObject({ _tag: "ContactRefused" })
        expect((yield* here.contacts.list).map((one) => one.key)).toEqual([owner])
      })
    )
  )
})
