import { Effect, Fiber, Layer } from "effect"
import { expect } from "vitest"
import * as Recovery from "../../../actors/node/Recovery.js"
import { EventLog } from "../../../src/log/EventLog.js"
import { ContainerTable } from "../../../src/projections/ContainerTable.js"
import { JobTable } from "../../../src/projections/JobTable.js"
import * as Projections from "../../../src/projections/Projections.js"
import * as H from "../../support/history.js"
import { live } from "../../support/it.js"
import { directory, storageIn } from "../../support/storage.js"
import { Faults } from "../Faults.js"
import { Script } from "../scripted.js"

const ann = H.owner("ann-0001")

const recover = Effect.map(Recovery.recover, ({ told }) => told)

const on = (data: string, faults = new Faults(), script = new Script()) => {
  const { layer, projectors } = Projections.make()
  return Layer.provideMerge(
    Layer.merge(faults.layer, script.layer),
    Layer.provideMerge(layer, storageIn(data, projectors))
  )
}

/** Jobs 1 and 4 ended; 2 waited, 3 ran; containers 3 and 5 lived, 4 is gone. */
const past = Effect.gen(function* () {
  const log = yield* EventLog
  const drafts = [
    H.ofJob(1, 0, H.accepted(1, ann), H.started(1), H.finished(1)),
    H.ofJob(2, 0, H.accepted(2, ann)),
    H.ofJob(3, 0, H.accepted(3, ann), H.started(3)),
    H.ofJob(4, 0, H.accepted(4, ann), H.finished(4)),
    H.ofContainer(3, 0, H.sealed(3), H.claimed(3, ann)),
    H.ofContainer(4, 0, H.sealed(4), H.gone(4)),
    H.ofContainer(5, 0, H.sealed(5))
  ]
  for (const draft of drafts) yield* log.append(draft)
})

const unfinished = Effect.gen(function* () {
  const jobs = yield* (yield* JobTable).unfinished
  const containers = yield* (yield* ContainerTable).living
  return { jobs, containers: containers.map(({ container }) => container) }
})

const ends = Effect.gen(function* () {
  const rows = yield* (yield* EventLog).page(0, 1_000)
  return rows.filter(({ type }) => type === "JobFinished" || type === "ContainerGone")
})

live("ends whatever was unfinished, for a typed reason, and does nothing the second time", () =>
  Effect.gen(function* () {
    const data = yield* directory
    yield* Effect.provide(past, on(data))
    const first = Effect.gen(function* () {
      expect(yield* recover).toEqual({ jobsEnded: 2, containersEnded: 2, containersKept: 0 })
      expect(yield* unfinished).toEqual({ jobs: [], containers: [] })
      const told = (yield* ends).slice(3).map(({ data, stream }) => [stream, data])
      expect(told).toHaveLength(4)
      for (const [stream, end] of told)
        expect(end).toMatchObject(
          String(stream).startsWith("job/")
            ? { status: "failed", cause: "control-plane-restart" }
            : { ending: "control-plane-restart" }
        )
      expect(yield* recover).toEqual({ jobsEnded: 0, containersEnded: 0, containersKept: 0 })
    })
    yield* Effect.provide(first, on(data))
    const second = Effect.gen(function* () {
      expect(yield* recover).toEqual({ jobsEnded: 0, containersEnded: 0, containersKept: 0 })
      expect(yield* ends).toHaveLength(7)
      expect((yield* (yield* EventLog).verify).ok).toBe(true)
    })
    yield* Effect.provide(second, on(data))
  })
)

for (const kind of ["no", "unknown", "written"] as const)
  live(`goes on where a recovery that failed stopped (${kind})`, () =>
    Effect.gen(function* () {
      const data = yield* directory
      yield* Effect.provide(past, on(data))
      const faults = new Faults()
      faults.plan("JobFinished", kind)
      const failing = Effect.gen(function* () {
        expect((yield* Effect.exit(recover))._tag).toBe("Failure")
        yield* recover
        expect(yield* unfinished).toEqual({ jobs: [], containers: [] })
        expect(yield* ends).toHaveLength(7)
      })
      yield* Effect.provide(failing, on(data, faults))
    })
  )

live("goes on where a recovery that was interrupted stopped", () =>
  Effect.gen(function* () {
    const data = yield* directory
    yield* Effect.provide(past, on(data))
    const faults = new Faults()
    faults.before = () => Effect.sleep("30 millis")
    const cut = Effect.gen(function* () {
      const recovering = yield* Effect.fork(recover)
      yield* Effect.sleep("10 millis")
      yield* Effect.timeout(Fiber.interrupt(recovering), "5 seconds")
    })
    yield* Effect.provide(cut, on(data, faults))
    const again = Effect.gen(function* () {
      yield* recover
      expect(yield* unfinished).toEqual({ jobs: [], containers: [] })
      expect(yield* ends).toHaveLength(7)
    })
    yield* Effect.provide(again, on(data))
  })
)
