/** Jobs and pools over real containers and a real log. */
import { Effect, Fiber, Layer, Schedule } from "effect"
import { describe, expect } from "vitest"
import { ContainerTable } from "../../src/projections/ContainerTable.js"
import { JobTable } from "../../src/projections/JobTable.js"
import * as LocalSubstrate from "../../src/substrate/local/LocalSubstrate.js"
import { Substrate } from "../../src/substrate/Substrate.js"
import { running } from "../substrate/running.js"
import { live } from "../support/it.js"
import { cgroupsOf, membranesOf, spawnerOf } from "../support/leftovers.js"
import { directory } from "../support/storage.js"
import { ann, becomes, owned, type System, submission, system, told, World } from "./world.js"

const inReal = <A, E>(
  body: (it: System, data: string) => Effect.Effect<A, E, Layer.Layer.Success<ReturnType<World["layer"]>>>
) =>
  Effect.gen(function* () {
    const data = yield* directory
    const world = new World()
    const substrate = yield* Layer.build(LocalSubstrate.layer({ data, acceptWeak: false }))
    const kept = Layer.succeedContext(substrate)
    const all = Effect.flatMap(system(), (it) => body(it, data)).pipe(Effect.scoped)
    yield* Effect.provide(running(kept, Effect.provide(all, world.layer(data, kept))), kept)
    yield* becomes(Effect.sync(() => membranesOf(data).length === 0 && cgroupsOf(data).length === 0))
  })

const rest = ({ jobs, status }: System) =>
  becomes(
    Effect.gen(function* () {
      const { busy, idle, waiting } = yield* status
      return (yield* jobs.active) === 0 && busy === 0 && waiting === 0 && idle === 2
    })
  )

describe("real containers", () => {
  live("run jobs, are cancelled under them, and leave nothing", () =>
    inReal((it) =>
      Effect.gen(function* () {
        const done = yield* Effect.flatMap(it.jobs.submit(submission("echo hi; echo no >&2; exit 3")), (t) => t.outcome)
        expect(done.finished).toMatchObject({ status: "failed", cause: "exit", exitCode: 3 })
        expect([done.stdout, done.stderr].map(String)).toEqual(["hi\n", "no\n"])

        const long = yield* it.jobs.submit(submission("echo begun; sleep 60"))
        yield* becomes(Effect.map(told(`job/${long.job}`), (rows) => rows.length === 2))
        yield* Effect.sleep("200 millis")
        yield* it.jobs.cancel(owned(long.job))
        const cancelled = yield* long.outcome
        expect(cancelled.finished).toMatchObject({ status: "cancelled", cause: "cancelled", exitCode: 130 })
        expect(String(cancelled.stdout)).toBe("begun\n")

        const late = yield* Effect.flatMap(it.jobs.submit(submission("sleep 60", ann, { ttl: 1 })), (t) => t.outcome)
        expect(late.finished).toMatchObject({ status: "timeout", cause: "ttl" })
        yield* rest(it)
        expect(yield* (yield* JobTable).unfinished).toEqual([])
        const endings = Effect.map(told("container/"), (rows) =>
          rows.flatMap(({ data, type }) => (type === "ContainerGone" ? [Reflect.get(data, "ending")] : []))
        )
        expect([...(yield* endings)].sort()).toEqual(["cancelled", "finished", "ttl"])
      })
    )
  )

  live("come through cancellations at any moment", () =>
    inReal((it) =>
      Effect.gen(function* () {
        const outcomes = yield* Effect.forEach(
          Array.from({ length: 24 }, (_, n) => n),
          (n) =>
            Effect.gen(function* () {
              const { job, outcome } = yield* it.jobs.submit(submission("echo a; sleep 0.02; echo b"))
              yield* Effect.sleep(`${n * 4} millis`)
              yield* it.jobs.cancel(owned(job))
              return (yield* outcome).finished.status
            }),
          { concurrency: 6 }
        )
        expect(outcomes.filter((status) => status !== "cancelled" && status !== "completed")).toEqual([])
        expect(outcomes).toContain("cancelled")
        yield* rest(it)
        yield* becomes(
          Effect.map(
            Effect.flatMap(ContainerTable, ({ living }) => living),
            ({ length }) => length === 2
          )
        )
      })
    )
  )

  live("that die with their spawner end their jobs as lost", () =>
    inReal((it, data) =>
      Effect.gen(function* () {
        yield* rest(it)
        const { job, outcome } = yield* it.jobs.submit(submission("sleep 60"))
        yield* becomes(Effect.map(told(`job/${job}`), (rows) => rows.length === 2))
        const again = yield* Effect.fork(
          Effect.flatMap(Substrate, ({ run }) => Effect.retry(run, Schedule.spaced("50 millis")))
        )
        const spawner = spawnerOf(data)
        if (spawner !== undefined) process.kill(spawner, "SIGKILL")
        expect((yield* outcome).finished).toMatchObject({ status: "failed", cause: "node-lost" })
        const next = yield* it.jobs.submit(submission("echo next"))
        expect(String((yield* next.outcome).stdout)).toBe("next\n")
        yield* rest(it)
        yield* Fiber.interrupt(again)
      })
    )
  )
})
