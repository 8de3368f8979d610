/** What a new control plane does before it serves: whatever the last one left unfinished ends, for a typed reason. */
import { Effect } from "effect"
import type { ContainerId, JobId } from "../../events/Ids.js"
import { ContainerTable } from "../../src/projections/ContainerTable.js"
import { JobTable } from "../../src/projections/JobTable.js"
import * as Container from "../container/Container.js"
import * as ContainerProcess from "../container/ContainerProcess.js"
import * as Job from "../job/Job.js"
import * as JobActor from "../job/JobActor.js"
import * as Work from "../job/Work.js"

/** Enough to fill a commit. */
const WIDTH = 64

const endJob = (job: JobId) =>
  Effect.gen(function* () {
    const actor = yield* JobActor.make(job, false)
    yield* Effect.forkScoped(Effect.ensuring(actor.run, actor.stop))
    const { ending } = Work.unrun("failed", "control-plane-restart", "the server ended while it waited or ran")
    yield* actor.ask(Job.Command.Finish({ ending }))
  }).pipe(Effect.scoped)

/** The substrate cleared what a former spawner left before it let anything new be created, so nothing is left in it. */
const endContainer = (container: ContainerId, pool: string) =>
  Effect.gen(function* () {
    const actor = yield* ContainerProcess.actorOf(container, `pools/${pool}`, false)
    yield* Effect.forkScoped(Effect.ensuring(actor.run, actor.stop))
    const remains = { ending: "control-plane-restart", cpuMicros: 0, peakBytes: 0, left: 0 } as const
    yield* actor.ask(Container.Command.End({ remains }))
  }).pipe(Effect.scoped)

/** To be run once the substrate is up, before anything is accepted. */
export const recover = Effect.gen(function* () {
  const jobs = yield* (yield* JobTable).unfinished
  const containers = yield* (yield* ContainerTable).living
  yield* Effect.forEach(jobs, endJob, { concurrency: WIDTH, discard: true })
  yield* Effect.forEach(containers, ({ container, pool }) => endContainer(container, pool), {
    concurrency: WIDTH,
    discard: true
  })
  return { jobsEnded: jobs.length, containersEnded: containers.length }
})
