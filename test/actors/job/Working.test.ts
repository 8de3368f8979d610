import { Effect } from "effect"
import { describe, expect } from "vitest"
import { live } from "../../support/it.js"
import { finishedOf, rest } from "../ends.js"
import { loss, refusal, Script } from "../scripted.js"
import { ann, becomes, inScript, submission, system } from "../world.js"

describe("want of a container", () => {
  live("is told as a refusal, once the end is durable", () =>
    inScript((script) => {
      script.creating = Effect.fail(refusal)
      return Effect.gen(function* () {
        const it = yield* system({ queueMillis: 200 })
        const { job, outcome } = yield* it.jobs.submit(submission("echo ok"))
        expect(yield* Effect.flip(outcome)).toMatchObject({ _tag: "Refused", reason: { code: "no_capacity" } })
        expect(yield* finishedOf(job)).toMatchObject({ cause: "no-capacity" })
        yield* rest(it)
      })
    })
  )

  live("a container that is lost before it is used is replaced by another", () =>
    inScript((script) => {
      script.limiting = Effect.suspend(() => {
        script.limiting = Effect.void
        return Effect.fail(refusal)
      })
      return Effect.gen(function* () {
        const it = yield* system()
        const { outcome } = yield* it.jobs.submit(submission("echo ok", ann, { vcpu: 2 }))
        expect((yield* outcome).finished.status).toBe("completed")
        yield* rest(it)
      })
    })
  )

  live("a spawner that dies under jobs ends them as lost, and the next ones run", () =>
    inScript((script) =>
      Effect.gen(function* () {
        const it = yield* system()
        let running = 0
        script.running = () => {
          running += 1
          return Effect.never
        }
        const tickets = yield* Effect.all([1, 2].map(() => it.jobs.submit(submission("sleep 60"))))
        yield* becomes(Effect.sync(() => running === 2))
        script.creating = Effect.fail(loss)
        script.lose()
        for (const { outcome } of tickets)
          expect((yield* outcome).finished).toMatchObject({ cause: "node-lost", reason: "the spawner is gone" })
        script.creating = Effect.void
        script.running = new Script().running
        const next = yield* it.jobs.submit(submission("echo ok"))
        expect((yield* next.outcome).finished.status).toBe("completed")
        yield* rest(it)
      })
    )
  )
})
