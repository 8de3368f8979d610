import { Effect, Exit, Fiber, Scope } from "effect"
import { describe, expect } from "vitest"
import { JobTable } from "../../../src/projections/JobTable.js"
import { StoreUnavailable } from "../../../src/store/Blobs.js"
import { live } from "../../support/it.js"
import { finishedOf, rest, typesOf } from "../ends.js"
import { inScript, owned, submission, system } from "../world.js"

describe("an end that cannot be recorded", () => {
  for (const kind of ["no", "unknown", "written"] as const)
    live(`is told as such and recorded later, once (${kind})`, () =>
      inScript((_, world) =>
        Effect.gen(function* () {
          const it = yield* system()
          world.faults.plan("JobFinished", kind, kind === "no" ? 2 : 1)
          const { job, outcome } = yield* it.jobs.submit(submission("echo ok"))
          expect(yield* Effect.flip(outcome)).toMatchObject({ _tag: "LogUnavailable" })
          yield* it.jobs.ended(job)
          expect(yield* finishedOf(job)).toMatchObject({ status: "completed" })
          expect((yield* typesOf(job)).filter((type) => type === "JobFinished")).toHaveLength(1)
          yield* rest(it)
        })
      )
    )

  live("because of the store is recorded when the store is back, with its bytes", () =>
    inScript((_, world) =>
      Effect.gen(function* () {
        const it = yield* system()
        world.keeping = Effect.fail(new StoreUnavailable({ reason: "full" }))
        const { job, outcome } = yield* it.jobs.submit(submission("echo ok"))
        expect(yield* Effect.flip(outcome)).toMatchObject({ reason: "StoreUnavailable: full" })
        expect(yield* finishedOf(job)).toBeNull()
        world.keeping = Effect.void
        yield* it.jobs.ended(job)
        expect(yield* finishedOf(job)).toMatchObject({ status: "completed" })
      })
    )
  )

  live("is not lost to a cancellation, which waits for it", () =>
    inScript((_, world) =>
      Effect.gen(function* () {
        const it = yield* system()
        // It never had a container: what a cancellation would interrupt is the recording itself.
        world.faults.plan("ContainerClaimed", "no", 1)
        world.faults.plan("JobFinished", "no", 1_000)
        const { job, outcome } = yield* it.jobs.submit(submission("echo ok"))
        yield* Effect.exit(outcome)
        const cancelling = yield* Effect.fork(it.jobs.cancel(owned(job)))
        yield* Effect.sleep("100 millis")
        expect(yield* it.jobs.active).toBe(1)
        expect((yield* Fiber.poll(cancelling))._tag).toBe("None")
        world.faults.heal()
        yield* Fiber.join(cancelling)
        expect(yield* finishedOf(job)).toMatchObject({ status: "failed", cause: "node-lost" })
        yield* rest(it)
      })
    )
  )

  live("is left to the next start when the server stops", () =>
    inScript((_, world) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const it = yield* Scope.extend(system(), scope)
        world.faults.plan("JobFinished", "no", 1_000)
        const { job, outcome } = yield* it.jobs.submit(submission("echo ok"))
        yield* Effect.exit(outcome)
        const ended = yield* Effect.fork(it.jobs.ended(job))
        yield* Effect.timeout(Scope.close(scope, Exit.void), "4 seconds")
        yield* Fiber.join(ended)
        expect(yield* (yield* JobTable).unfinished).toEqual([job])
      })
    )
  )
})
