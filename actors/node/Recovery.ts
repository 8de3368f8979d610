/** What a new control plane does before it serves: whatever the last one left unfinished ends, for a typed reason. */
import { Effect } from "effect"
import type { JobId } from "../../events/Ids.js"
import { EventLog } from "../../src/log/EventLog.js"
import { ContainerTable, type LivingContainer } from "../../src/projections/ContainerTable.js"
import { JobTable } from "../../src/projections/JobTable.js"
import * as Container from "../container/Container.js"
import * as ContainerActor from "../container/ContainerActor.js"
import * as Done from "../job/Done.js"
import * as Job from "../job/Job.js"
import * as JobActor from "../job/JobActor.js"
import * as Waking from "../Waking.js"

/** Enough to fill a commit. */
const WIDTH = 64
const together = { concurrency: WIDTH, discard: true } as const

type Log = typeof EventLog.Service

const endJob = (log: Log) => (job: JobId) => {
  const { ending } = Done.unrun("failed", "control-plane-restart", "the server ended while it waited or ran")
  return Waking.wake(log, JobActor.definition(job, false), Job.Command.Finish({ ending }))
}

/** The substrate cleared what a former spawner left before it let anything new be created, so nothing is left in it. */
const endContainer =
  (log: Log) =>
  ({ container, pool }: LivingContainer) => {
    const remains = { ending: "control-plane-restart", cpuMicros: 0, peakBytes: 0, left: 0 } as const
    return Waking.wake(log, ContainerActor.definition(container, pool, false), Container.Command.End({ remains }))
  }

/** To be run once the substrate is up, before anything is accepted. What has ended stays as it ended. */
export const recover = Effect.gen(function* () {
  const log = yield* EventLog
  const jobs = yield* (yield* JobTable).unfinished
  const containers = yield* (yield* ContainerTable).living
  yield* Effect.forEach(jobs, endJob(log), together)
  yield* Effect.forEach(containers, endContainer(log), together)
  return { jobsEnded: jobs.length, containersEnded: containers.length }
})
