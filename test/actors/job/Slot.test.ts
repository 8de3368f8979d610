/** Verifies: a job holds a slot of its owner's from its acceptance to its end, and leaves it free on every way out. */
import { Effect, Either } from "effect"
import { describe, expect } from "vitest"
import type { Slots } from "../../../actors/key/Slots.js"
import { live } from "../../support/it.js"
import { slotsOf } from "../../support/slots.js"
import { rest } from "../ends.js"
import { ann, inScript, owned, type Size, submission, system, told } from "../world.js"

const limited = (concurrency: number, size: Partial<Size> = {}) =>
  Effect.flatMap(slotsOf(concurrency), (slots: typeof Slots.Service) => system(size, [], slots))

const refused = { point: "D07", reason: { status: 429, code: "concurrency_limit_reached" } }

describe("a job's slot", () => {
  live("is in use from its acceptance, and free when its end is told", () =>
    inScript(() =>
      Effect.gen(function* () {
        const it = yield* limited(1)
        for (let times = 0; times < 20; times += 1) {
          const { outcome } = yield* it.jobs.submit(submission("echo ok"))
          yield* outcome
        }
        yield* rest(it)
      })
    )
  )

  live("is needed, and what has none was never a job", () =>
    inScript(() =>
      Effect.gen(function* () {
        const it = yield* limited(2)
        const tries = yield* Effect.all(
          Array.from({ length: 8 }, () => Effect.either(it.jobs.submit(submission("hang")))),
          { concurrency: "unbounded" }
        )
        const accepted = tries.filter(Either.isRight).map(({ right }) => right)
        expect(accepted).toHaveLength(2)
        for (const one of tries) if (Either.isLeft(one)) expect(one.left).toMatchObject(refused)
        expect((yield* told("job/")).filter(({ type }) => type === "JobAccepted")).toHaveLength(2)
        for (const { job } of accepted) yield* it.jobs.cancel(owned(job))
        expect(it.slots.active(ann)).toBe(0)
        yield* rest(it)
      })
    )
  )

  for (const [how, kind] of [
    ["cannot be accepted", "no"],
    ["may have been accepted", "unknown"],
    ["was accepted unheard", "written"]
  ] as const)
    live(`is free after one that ${how}`, () =>
      inScript((_, world) =>
        Effect.gen(function* () {
          const it = yield* limited(1)
          world.faults.plan("JobAccepted", kind)
          yield* Effect.flip(it.jobs.submit(submission("echo ok")))
          yield* rest(it)
          yield* Effect.flatMap(it.jobs.submit(submission("echo ok")), ({ outcome }) => outcome)
          yield* rest(it)
        })
      )
    )

  live("is free after one that there was no room for", () =>
    inScript(() =>
      Effect.gen(function* () {
        const it = yield* limited(3, { pendingBytes: 10 })
        const full = yield* Effect.flip(it.jobs.submit(submission(`echo ${"x".repeat(95)}`)))
        expect(full).toMatchObject({ reason: { code: "queue_full" } })
        yield* rest(it)
      })
    )
  )

  live("is free after one that found no container, or lost it", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* limited(1, { queueMillis: 100, capacityBytes: 0 })
        const { outcome } = yield* it.jobs.submit(submission("echo ok"))
        yield* Effect.flip(outcome)
        yield* rest(it)
        expect(script.alive.filter(({ launched }) => launched.length > 0)).toEqual([])
      })
    )
  )
})
