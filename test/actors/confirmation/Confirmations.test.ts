/** Verifies D21 over the real log and store: what a person answers counts once, whatever else happens meanwhile. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { Array as Arr, Effect, Either } from "effect"
import { describe, expect } from "vitest"
import { stream } from "../../../events/Envelope.js"
import { ChallengeId, Digest, PublicKey } from "../../../events/Ids.js"
import type { Action } from "../../../src/guards/HumanConfirmed.js"
import { StoreUnavailable } from "../../../src/store/Blobs.js"
import { Secrets, Unsealable } from "../../../src/store/secrets/Secrets.js"
import { live } from "../../support/it.js"
import { directory } from "../../support/storage.js"
import { Faults } from "../Faults.js"
import {
  action,
  another,
  challenged,
  type Given,
  living,
  Moved,
  owner,
  refused,
  stranger,
  type World,
  wrong
} from "./world.js"

const world = <A, E>(body: (world: World) => Effect.Effect<A, E>, given: Omit<Given, "data"> = {}) =>
  Effect.flatMap(directory, (data) => living({ ...given, data }, body))

const rowsOf = ({ log }: World, challenge: string) =>
  Effect.map(log.read(stream("confirmation", ChallengeId.make(challenge))), (rows) => rows.map(({ type }) => type))

const MINUTE = 60_000

describe("a confirmation", () => {
  live("is asked for, shown on the console, given, and given once", () =>
    world((here) =>
      Effect.gen(function* () {
        const { challenge, code, details } = yield* challenged(here)
        expect(details).toMatchObject({ challenge_id: challenge, channel: "console", expires_in: 300 })
        expect(code).toMatch(/^[0-9]{8}$/)
        expect(here.lines).toEqual([
          `Confirmation asked: ${owner} would destroy service unsb-service-0000000000000001. Code ${code} for ${challenge}`
        ])
        const permit = yield* here.confirm({ answer: { challenge, code: ` ${code.slice(0, 4)} ${code.slice(4)}` } })
        expect(permit.facts).toEqual({ ...action, mode: "confirmed", challenge, channel: "console" })
        expect(JSON.stringify(permit)).not.toContain(code)
        expect((yield* refused(here, { answer: { challenge, code } })).code).toBe("challenge_spent")
        expect(yield* here.confirmations.pending).toEqual([])
        expect(yield* rowsOf(here, challenge)).toEqual(["ConfirmationAsked", "ConfirmationGiven"])
      })
    )
  )

  live("is not asked for where none is required", () =>
    world((here) =>
      Effect.gen(function* () {
        const permit = yield* here.confirm({ required: false, answer: { challenge: "x", code: "y" } })
        expect(permit.facts).toEqual({ ...action, mode: "waived", challenge: null, channel: null })
        expect([here.lines, yield* here.confirmations.pending]).toEqual([[], []])
      })
    )
  )

  live("is for that key, that method, that path and that body", () =>
    world((here) =>
      Effect.gen(function* () {
        const { challenge, code } = yield* challenged(here)
        const answer = { challenge, code }
        const others: ReadonlyArray<readonly [Partial<Action>, string]> = [
          [{ key: stranger }, "unknown_challenge"],
          [{ method: "POST" }, "challenge_mismatch"],
          [{ path: "/services/unsb-service-0000000000000002" }, "challenge_mismatch"],
          [{ bodyDigest: Digest.make(`sha256:${"1".repeat(64)}`) }, "challenge_mismatch"]
        ]
        for (const [changes, expected] of others)
          expect((yield* refused(here, { action: { ...action, ...changes }, answer })).code).toBe(expected)
        // None of them was a guess at the code.
        expect((yield* here.confirm({ answer })).facts.mode).toBe("confirmed")
      })
    )
  )

  live("has five attempts", () =>
    world((here) =>
      Effect.gen(function* () {
        const { challenge, code } = yield* challenged(here)
        for (const left of [4, 3, 2, 1, 0])
          expect(yield* refused(here, { answer: { challenge, code: wrong(code) } })).toMatchObject({
            code: "invalid_otp",
            status: 403,
            details: { attempts_left: left }
          })
        for (const guess of [code, wrong(code), ""])
          expect((yield* refused(here, { answer: { challenge, code: guess } })).code).toBe("too_many_attempts")
        expect(yield* rowsOf(here, challenge)).toEqual([
          "ConfirmationAsked",
          ...Arr.replicate("ConfirmationMissed", 5),
          "ConfirmationVoided"
        ])
      })
    )
  )

  live("knows no challenge that it did not make", () =>
    world((here) =>
      Effect.gen(function* () {
        for (const challenge of ["", "x", `unsb-challenge-${"0".repeat(32)}`, "a".repeat(9_999), "\u0000"])
          expect(yield* refused(here, { answer: { challenge, code: "12345678" } })).toMatchObject({
            code: "unknown_challenge",
            status: 403
          })
      })
    )
  )

  live("is won by one of many who answer rightly at once", () =>
    world((here) =>
      Effect.gen(function* () {
        const { challenge, code } = yield* challenged(here)
        const tries = yield* Effect.all(
          Arr.makeBy(40, () => Effect.either(here.confirm({ answer: { challenge, code } }))),
          { concurrency: "unbounded" }
        )
        expect(tries.filter(Either.isRight)).toHaveLength(1)
        for (const one of tries) if (Either.isLeft(one)) expect(one.left.reason.code).toBe("challenge_spent")
      })
    )
  )

  live("gives many who guess at once no more attempts than one", () =>
    world((here) =>
      Effect.gen(function* () {
        const { challenge, code } = yield* challenged(here)
        const guesses = Arr.makeBy(30, (n) => refused(here, { answer: { challenge, code: `${n}`.padStart(7, "x") } }))
        const codes = (yield* Effect.all(guesses, { concurrency: "unbounded" })).map((reason) => reason.code)
        expect(codes.filter((one) => one === "invalid_otp")).toHaveLength(5)
        expect(codes.filter((one) => one === "too_many_attempts")).toHaveLength(25)
        expect((yield* refused(here, { answer: { challenge, code } })).code).toBe("too_many_attempts")
      })
    )
  )
})

describe("time", () => {
  live("ends a challenge after five minutes", () => {
    const time = new Moved()
    return world(
      (here) =>
        Effect.gen(function* () {
          const one = yield* challenged(here)
          time.both += 5 * MINUTE - 2_000
          expect(yield* here.confirmations.pending).toHaveLength(1)
          expect((yield* here.confirm({ answer: one })).facts.mode).toBe("confirmed")
          const other = yield* challenged(here)
          time.both += 5 * MINUTE + 1
          expect(yield* here.confirmations.pending).toEqual([])
          expect((yield* refused(here, { answer: other })).code).toBe("challenge_expired")
        }),
      { clock: time.clock }
    )
  })

  live("that jumps leaves everything uncertain, and uses nothing up", () => {
    const time = new Moved()
    return world(
      (here) =>
        Effect.gen(function* () {
          const one = yield* challenged(here)
          for (const jump of [-2 * 60 * MINUTE, 60 * MINUTE, 0]) {
            time.wall = jump
            for (const answer of [undefined, one])
              expect(yield* refused(here, { answer })).toMatchObject({ uncertain: true, status: 503 })
          }
          expect(yield* rowsOf(here, one.challenge)).toEqual(["ConfirmationAsked"])
        }),
      { clock: time.clock }
    )
  })

  live("that was set back while no server ran revives nothing", () => {
    const time = new Moved()
    return Effect.flatMap(directory, (data) =>
      Effect.gen(function* () {
        const one = yield* living({ data, clock: time.clock }, challenged)
        time.wall = -60 * MINUTE
        yield* living({ data, clock: time.clock }, (here) =>
          Effect.gen(function* () {
            expect(yield* refused(here, { answer: one })).toMatchObject({ uncertain: true, status: 503 })
            expect(yield* rowsOf(here, one.challenge)).toEqual(["ConfirmationAsked"])
          })
        )
      })
    )
  })
})

describe("a restart", () => {
  live("leaves a challenge open for whoever has its code, which nobody is shown any more", () =>
    Effect.flatMap(directory, (data) =>
      Effect.gen(function* () {
        const one = yield* living({ data }, (here) =>
          Effect.tap(challenged(here), ({ challenge, code }) =>
            refused(here, { answer: { challenge, code: wrong(code) } })
          )
        )
        yield* living({ data }, (here) =>
          Effect.gen(function* () {
            expect(yield* here.confirmations.pending).toMatchObject([
              { challenge: one.challenge, code: null, attemptsLeft: 4, key: owner }
            ])
            expect((yield* here.confirm({ answer: one })).facts.mode).toBe("confirmed")
          })
        )
        yield* living({ data }, (here) =>
          Effect.map(refused(here, { answer: one }), ({ code }) => expect(code).toBe("challenge_spent"))
        )
      })
    )
  )
})

describe("one key", () => {
  live("has eight challenges open, of which the oldest goes when there is one more", () =>
    world((here) =>
      Effect.gen(function* () {
        const all = yield* Effect.forEach(Arr.range(1, 9), (n) => challenged(here, another(n)))
        const [oldest, second] = all
        const open = (yield* here.confirmations.pending).map(({ challenge }) => challenge)
        expect(open).toEqual(all.slice(1).map(({ challenge }) => challenge))
        const first = { ...action, path: "/services/unsb-service-0000000000000001" }
        expect((yield* refused(here, { action: first, answer: oldest })).code).toBe("challenge_void")
        const next = { ...action, path: "/services/unsb-service-0000000000000002" }
        expect((yield* here.confirm({ action: next, answer: second })).facts.mode).toBe("confirmed")
        // Another key's are its own.
        yield* challenged(here, { ...action, key: stranger })
        expect(yield* here.confirmations.pending).toHaveLength(8)
      })
    )
  )

  live("guesses twenty times a day, however many challenges it opens, also across a restart", () => {
    const time = new Moved()
    const guess = (here: World) =>
      Effect.gen(function* () {
        const { challenge, code } = yield* challenged(here)
        for (let n = 0; n < 5; n++) yield* refused(here, { answer: { challenge, code: wrong(code) } })
      })
    return Effect.flatMap(directory, (data) =>
      Effect.gen(function* () {
        const last = yield* living({ data, clock: time.clock }, (here) =>
          Effect.gen(function* () {
            const early = yield* challenged(here)
            for (let n = 0; n < 4; n++) yield* guess(here)
            return early
          })
        )
        yield* living({ data, clock: time.clock }, (here) =>
          Effect.gen(function* () {
            for (const answer of [undefined, last])
              expect(yield* refused(here, { answer })).toMatchObject({ code: "too_many_misses", status: 429 })
            yield* challenged(here, { ...action, key: stranger })
            time.both += 24 * 60 * MINUTE + 1_000
            const { challenge, code } = yield* challenged(here)
            expect((yield* here.confirm({ answer: { challenge, code } })).facts.mode).toBe("confirmed")
          })
        )
      })
    )
  })

  live("asks sixty times an hour", () => {
    const time = new Moved()
    return world(
      (here) =>
        Effect.gen(function* () {
          for (let n = 1; n <= 60; n++) yield* challenged(here, another(n))
          const reason = yield* refused(here, { action: another(61) })
          expect(reason).toMatchObject({ code: "too_many_challenges", status: 429 })
          expect(reason.retryAfterSeconds).toBeGreaterThan(3_500)
          expect(here.lines).toHaveLength(60)
          // What stands open already is not asked again, so it is not held.
          expect((yield* refused(here, { action: another(60) })).code).toBe("confirmation_required")
          time.both += 61 * MINUTE
          yield* challenged(here)
          expect(here.lines).toHaveLength(61)
        }),
      { clock: time.clock }
    )
  })

  live("that nobody knows is asked nothing", () =>
    world((here) =>
      Effect.map(refused(here, { action: { ...action, key: PublicKey.make("unsb-pk-none") } }), (reason) =>
        expect(reason).toMatchObject({ uncertain: true, status: 503, note: "facts: Unweighed" })
      )
    )
  )
})

describe("a log that", () => {
  const faulty = (tag: "ConfirmationAsked" | "ConfirmationGiven", kind: "no" | "unknown" | "written") => {
    const faults = new Faults()
    return world(
      (here) =>
        Effect.gen(function* () {
          const one = tag === "ConfirmationGiven" ? yield* challenged(here) : undefined
          faults.plan(tag, kind, 10)
          expect(yield* refused(here, { answer: one })).toMatchObject({ uncertain: true, status: 503 })
          faults.heal()
          if (one === undefined) return expect(here.lines).toEqual([])
          const again = yield* Effect.either(here.confirm({ answer: one }))
          expect(Either.isRight(again)).toBe(kind !== "written")
        }),
      { faults }
    )
  }
  for (const kind of ["no", "unknown", "written"] as const) {
    live(`fails (${kind}) when a challenge is made lets nobody have its code`, () => faulty("ConfirmationAsked", kind))
    live(`fails (${kind}) when it is given lets nothing pass`, () => faulty("ConfirmationGiven", kind))
  }
  live(
    "hangs is not waited for",
    () => {
      const faults = new Faults()
      return world(
        (here) =>
          Effect.gen(function* () {
            const one = yield* challenged(here)
            faults.before = () => Effect.never
            const [asked, answered] = yield* Effect.all(
              [refused(here, { action: another(2) }), refused(here, { answer: one })],
              { concurrency: "unbounded" }
            )
            expect([asked.note, answered.note]).toEqual(["facts: Unweighed", "facts: Unweighed"])
            faults.before = () => Effect.void
            expect((yield* here.confirm({ answer: one })).facts.mode).toBe("confirmed")
          }),
        { faults }
      )
    },
    20_000
  )
})

describe("a sealed store that", () => {
  const broken: Readonly<Record<string, ReturnType<typeof Secrets.Service.get>>> = {
    fails: Effect.fail(new StoreUnavailable({ reason: "the disk said no" })),
    "cannot be unsealed": Effect.fail(new Unsealable({ name: "x" })),
    hangs: Effect.never
  }
  for (const [how, get] of Object.entries(broken))
    live(`${how} lets no code be made`, () =>
      world(
        (here) =>
          Effect.gen(function* () {
            expect(yield* refused(here, {})).toMatchObject({ uncertain: true, status: 503 })
            expect([here.lines, yield* here.confirmations.pending]).toEqual([[], []])
          }),
        { secrets: (real) => Secrets.of({ ...real, get: () => get }) }
      )
    )
})

const filesIn = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    return statSync(path).isDirectory() ? filesIn(path) : statSync(path).isFile() ? [path] : []
  })

describe("codes", () => {
  live("are nowhere in the log, nor anywhere on the disk", () =>
    Effect.flatMap(directory, (data) =>
      living({ data }, (here) =>
        Effect.gen(function* () {
          const all = yield* Effect.forEach(Arr.range(1, 5), (n) => challenged(here, another(n)))
          const crossed = { challenge: all[0]?.challenge ?? "", code: all[1]?.code ?? "" }
          yield* refused(here, { action: another(1), answer: crossed })
          yield* here.confirm({ action: another(3), answer: all[2] })
          const rows = JSON.stringify(yield* here.log.page(0, 1_000))
          const disk = filesIn(data).map((path) => readFileSync(path))
          expect(disk.some((bytes) => bytes.includes(all[0]?.challenge ?? "?"))).toBe(true)
          for (const { code } of all) {
            expect(rows).not.toContain(code)
            expect(disk.filter((bytes) => bytes.includes(code))).toEqual([])
          }
        })
      )
    )
  )

  live("are told by a digest that differs from challenge to challenge and from server to server", () =>
    Effect.gen(function* () {
      const macs = yield* Effect.forEach([1, 2], () =>
        world((here) =>
          Effect.gen(function* () {
            for (const n of [1, 2]) yield* challenged(here, another(n))
            const rows = yield* here.log.page(0, 1_000)
            return rows.flatMap(({ data }) => (typeof data.codeMac === "string" ? [data.codeMac] : []))
          })
        )
      )
      expect(macs.flat()).toHaveLength(4)
      expect(new Set(macs.flat()).size).toBe(4)
    })
  )
})
