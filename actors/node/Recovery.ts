/** What a new control plane does before it serves: whatever the last one left unfinished ends, for a typed reason. */
import { Effect } from "effect"
import type { JobId } from "../../events/Ids.js"
import { EventLog } from "../../src/log/EventLog.js"
import { ContainerTable, type LivingContainer } from "../../src/projections/ContainerTable.js"
import { JobTable } from "../../src/projections/JobTable.js"
import { type Gone, type Kept, Substrate } from "../../src/substrate/Substrate.js"
import * as Container from "../container/Container.js"
import * as ContainerActor from "../container/ContainerActor.js"
import * as Done from "../job/Done.js"
import * as Job from "../job/Job.js"
import * as JobActor from "../job/JobActor.js"
import type { PoolSurvivor } from "../pool/PoolsLive.js"
import * as Waking from "../Waking.js"
import { stillHas } from "./Claimants.js"

/** Enough to fill a commit. */
const WIDTH = 64
const together = { concurrency: WIDTH, discard: true } as const

type Log = typeof EventLog.Service
type Remaining = Pick<Gone, "cpuMicros" | "peakBytes" | "left">

const endJob = (log: Log) => (job: JobId) => {
  const { ending } = Done.unrun("failed", "control-plane-restart", "the server ended while it waited or ran")
  return Waking.wake(log, JobActor.definition(job, false), Job.Command.Finish({ ending }))
}

/** The substrate cleared what a former spawner left before it let anything new be created, so nothing is left in it. */
const nothing: Remaining = { cpuMicros: 0, peakBytes: 0, left: 0 }

const endContainer = (log: Log, { container, pool }: LivingContainer, { cpuMicros, left, peakBytes }: Remaining) => {
  const remains = { ending: "control-plane-restart", cpuMicros, peakBytes, left } as const
  return Waking.wake(log, ContainerActor.definition(container, pool, false), Container.Command.End({ remains }))
}

/** Kept, and by the log somebody's who may come for it. */
const survivorOf =
  (log: Log, living: ReadonlyMap<string, LivingContainer>) =>
  (kept: Kept): Effect.Effect<ReadonlyArray<PoolSurvivor>> => {
    const known = living.get(kept.label)
    if (known?.claim == null) return Effect.succeed([])
    const survivor = { pool: known.pool, claim: known.claim, kept }
    return Effect.map(stillHas(log, known.claim), (has) => (has ? [survivor] : []))
  }

/** To be run once the substrate is up, before anything is accepted. What has ended stays as it ended. */
export const recover = Effect.gen(function* () {
  const log = yield* EventLog
  const jobs = yield* (yield* JobTable).unfinished
  const containers = yield* (yield* ContainerTable).living
  const living = new Map<string, LivingContainer>(containers.map((one) => [one.container, one]))
  const kept = yield* (yield* Substrate).kept
  const survivors = (yield* Effect.forEach(kept, survivorOf(log, living), { concurrency: WIDTH })).flat()
  const survives = new Set<string>(survivors.map(({ kept }) => kept.label))
  const others = kept.filter(({ label }) => !survives.has(label))
  yield* Effect.forEach(jobs, endJob(log), together)

  const destroyed = yield* Effect.forEach(
    others,
    ({ container, label }) => Effect.map(container.destroy, (gone) => [label, gone] as const),
    { concurrency: WIDTH }
  )
  const remains = new Map<string, Remaining>(destroyed)
  const ended = containers.filter(({ container }) => !survives.has(container))
  yield* Effect.forEach(ended, (one) => endContainer(log, one, remains.get(one.container) ?? nothing), together)
  const told = { jobsEnded: jobs.length, containersEnded: ended.length, containersKept: survivors.length }
  return { told, survivors }
})
