import { Effect } from "effect"
import { describe, expect } from "vitest"
import { JobTable } from "../../../src/projections/JobTable.js"
import { live } from "../../support/it.js"
import { rest, typesOf } from "../ends.js"
import { inScript, submission, system, told } from "../world.js"

describe("a job", () => {
  live("is accepted, started and finished, and told", () =>
    inScript(() =>
      Effect.gen(function* () {
        const it = yield* system()
        const { job, outcome } = yield* it.jobs.submit(submission("echo ok"))
        const { finished, startedAt, stdout } = yield* outcome
        expect(Buffer.from(stdout).toString()).toBe("ok\n")
        expect(finished).toMatchObject({ status: "completed", cause: "completed" })
        expect(startedAt).not.toBeNull()
        expect(yield* typesOf(job)).toEqual(["JobAccepted", "JobStarted", "JobFinished"])
        yield* rest(it)
      })
    )
  )

  live("that cannot be accepted takes no room", () =>
    inScript((_, world) =>
      Effect.gen(function* () {
        const it = yield* system()
        world.faults.plan("JobAccepted", "no")
        const refused = yield* Effect.flip(it.jobs.submit(submission("echo ok")))
        expect(refused).toMatchObject({ _tag: "LogUnavailable", written: "no" })
        expect(yield* it.jobs.active).toBe(0)
        expect(yield* told("job/")).toEqual([])
      })
    )
  )

  for (const kind of ["unknown", "written"] as const)
    live(`whose acceptance is in doubt (${kind}) ends without having run`, () =>
      inScript((_, world) =>
        Effect.gen(function* () {
          const it = yield* system()
          world.faults.plan("JobAccepted", kind)
          const refused = yield* Effect.flip(it.jobs.submit(submission("echo ok")))
          expect(refused).toMatchObject({ _tag: "LogUnavailable", written: "unknown" })
          yield* rest(it)
          expect(yield* (yield* JobTable).unfinished).toEqual([])
          expect((yield* told("job/")).map(({ type }) => type)).toEqual(
            kind === "written" ? ["JobAccepted", "JobFinished"] : []
          )
        })
      )
    )

  live("finds its room taken by those that are being accepted", () =>
    inScript(() =>
      Effect.gen(function* () {
        const it = yield* system({ pendingBytes: 250 })
        const code = `echo ${"x".repeat(95)}`
        const tries = yield* Effect.all(
          Array.from({ length: 6 }, () => Effect.either(it.jobs.submit(submission(code)))),
          { concurrency: "unbounded" }
        )
        const accepted = tries.flatMap((one) => (one._tag === "Right" ? [one.right] : []))
        expect(accepted).toHaveLength(2)
        for (const { outcome } of accepted) yield* outcome
        yield* rest(it)
        yield* Effect.flatMap(it.jobs.submit(submission(code)), ({ outcome }) => outcome)
      })
    )
  )
})
