import { Deferred, Effect, Fiber, FiberId } from "effect"
import { describe, expect } from "vitest"
import { owner } from "../../support/history.js"
import { live } from "../../support/it.js"
import { rest } from "../ends.js"
import { ann, becomes, inScript, owned, submission, system, told } from "../world.js"

describe("a cancellation", () => {
  live("takes a job out of the line", () =>
    inScript((script) => {
      const spawning = Deferred.unsafeMake<void>(FiberId.none)
      script.creating = Deferred.await(spawning)
      return Effect.gen(function* () {
        const it = yield* system()
        yield* Effect.addFinalizer(() => Deferred.succeed(spawning, undefined))
        const { job, outcome } = yield* it.jobs.submit(submission("echo ok"))
        yield* becomes(Effect.map(it.status, ({ waiting }) => waiting === 1))
        yield* it.jobs.cancel(owned(job))
        expect((yield* outcome).finished).toMatchObject({ status: "cancelled", cause: "cancelled" })
        yield* rest(it)
      })
    })
  )

  for (const early of [false, true])
    live(`ends a job in its container, and that for the same reason (${early ? "about to run" : "running"})`, () =>
      inScript((script) =>
        Effect.gen(function* () {
          script.early = early
          const it = yield* system()
          const running = yield* Deferred.make<void>()
          script.running = () => Effect.zipRight(Deferred.succeed(running, undefined), Effect.never)
          const { job, outcome } = yield* it.jobs.submit(submission("sleep 60"))
          yield* Deferred.await(running)
          yield* it.jobs.cancel(owned(job))
          expect((yield* outcome).finished).toMatchObject({ status: "cancelled", cause: "cancelled" })
          yield* rest(it)
          const gone = yield* Effect.map(told("container/"), (rows) =>
            rows.filter(({ type }) => type === "ContainerGone")
          )
          expect(gone.map(({ data }) => data)).toMatchObject([{ ending: "cancelled" }])
        })
      )
    )

  live("between the claim and the start counts", () =>
    inScript((_, world) =>
      Effect.gen(function* () {
        const it = yield* system()
        const claiming = yield* Deferred.make<void>()
        const go = yield* Deferred.make<void>()
        world.faults.before = (tag) =>
          tag === "ContainerClaimed"
            ? Effect.zipRight(Deferred.succeed(claiming, undefined), Deferred.await(go))
            : Effect.void
        const { job, outcome } = yield* it.jobs.submit(submission("echo ok"))
        yield* Deferred.await(claiming)
        const cancelling = yield* Effect.fork(it.jobs.cancel(owned(job)))
        yield* Effect.sleep("50 millis")
        yield* Deferred.succeed(go, undefined)
        yield* Fiber.join(cancelling)
        expect((yield* outcome).finished).toMatchObject({ status: "cancelled" })
        yield* rest(it)
      })
    )
  )

  live("by a stranger is refused", () =>
    inScript((script) => {
      const spawning = Deferred.unsafeMake<void>(FiberId.none)
      script.creating = Deferred.await(spawning)
      return Effect.gen(function* () {
        const it = yield* system()
        yield* Effect.addFinalizer(() => Deferred.succeed(spawning, undefined))
        const { job } = yield* it.jobs.submit(submission("echo ok", ann))
        const stranger = it.jobs.cancel(owned(job, owner("bob-0001")))
        expect(yield* Effect.flip(stranger)).toMatchObject({ _tag: "Refused" })
        expect(yield* it.jobs.active).toBe(1)
      })
    })
  )
})
