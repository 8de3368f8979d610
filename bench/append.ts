/** Durable events a second through the real log (budget: 20,000), and histories to recover from. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import type { ContainerEvent } from "../events/Container.js"
import { stream } from "../events/Envelope.js"
import { ContainerId, Digest, JobId, PublicKey } from "../events/Ids.js"
import type { JobEvent } from "../events/Job.js"
import { type Draft, EventLog } from "../src/log/EventLog.js"
import { type Projector, Projectors } from "../src/log/Projector.js"
import * as Storage from "../src/store/Storage.js"

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, "0")
const owner = PublicKey.make("unsb-pk-benc-hmar-k000-0001")
const digest = Digest.make(`sha256:${"0".repeat(64)}`)
const output = { digest, bytes: 3, kept: 3, truncated: false }
const limits = { memoryBytes: 268_435_456, cpuMillis: 1_000, pids: 256, tmpBytes: 67_108_864 }

/** What one finished run leaves in the log: three facts about the job, three about its container. */
const run = (n: number): ReadonlyArray<Draft> => {
  const job = JobId.make(`unsb-job-${hex(n, 32)}`)
  const container = ContainerId.make(`unsb-vm-${hex(n, 16)}`)
  const told = (expected: number, event: JobEvent): Draft => ({
    stream: stream("job", job),
    expected,
    events: [event],
    by: owner,
    trace: `req-${n}`
  })
  const kept = (expected: number, event: ContainerEvent): Draft => ({
    stream: stream("container", container),
    expected,
    events: [event],
    by: "root/pools/zerotrust"
  })
  return [
    kept(0, {
      _tag: "ContainerSealed",
      container,
      pool: "zerotrust",
      limits,
      seal: digest,
      hostPid: n,
      hostUid: 100_000 + n,
      cgroup: `/unsandbox/${container}`,
      spawnMicros: 1_800
    }),
    told(0, {
      _tag: "JobAccepted",
      job,
      owner,
      language: "bash",
      detected: false,
      network: "zerotrust",
      ttlMillis: 60_000,
      vcpu: 1,
      code: { digest, bytes: 7 },
      inputs: [],
      wantsArtifacts: false,
      wantsWasm: false,
      awaited: true,
      idempotency: null
    }),
    kept(1, { _tag: "ContainerClaimed", container, claimant: { _tag: "Job", job }, owner, limits }),
    told(1, { _tag: "JobStarted", job, container }),
    told(2, {
      _tag: "JobFinished",
      job,
      status: "completed",
      cause: "completed",
      exitCode: 0,
      signal: null,
      reason: null,
      stdout: output,
      stderr: output,
      artifacts: [],
      usage: { wallMicros: 2_100, userMicros: 900, systemMicros: 700, peakBytes: 1_900_544 }
    }),
    kept(2, { _tag: "ContainerGone", container, ending: "finished", cpuMicros: 1_600, peakBytes: 2_100_000, left: 0 })
  ]
}

/** A projection of the usual size, so that the figure includes one. */
const jobs: Projector = {
  name: "bench-jobs",
  version: 1,
  tables: ["bench_jobs"],
  schema: "CREATE TABLE IF NOT EXISTS bench_jobs (id TEXT PRIMARY KEY, status TEXT NOT NULL) STRICT, WITHOUT ROWID",
  open: (db) => {
    const accepted = db.prepare("INSERT OR REPLACE INTO bench_jobs VALUES (?, 'running')")
    const finished = db.prepare("UPDATE bench_jobs SET status = ? WHERE id = ?")
    return (_, event) => {
      if (event._tag === "JobAccepted") accepted.run(event.job)
      if (event._tag === "JobFinished") finished.run(event.status, event.job)
    }
  }
}

const storage = (data: string, projectors: ReadonlyArray<Projector>) =>
  Storage.layer({ data }).pipe(Layer.provide(Layer.succeed(Projectors, projectors)))

/** Appends the six facts of each run in turn; `callers` runs at a time. Resolves with events a second. */
const appendRuns = Effect.fnUntraced(function* (first: number, runs: number, callers: number) {
  const log = yield* EventLog
  const started = process.hrtime.bigint()
  yield* Effect.forEach(
    Array.from({ length: runs }, (_, n) => first + n),
    (n) => Effect.forEach(run(n), log.append, { discard: true }),
    { concurrency: callers, discard: true }
  )
  return Math.round((runs * 6) / (Number(process.hrtime.bigint() - started) / 1e9))
})

export interface Appends {
  /** Durable events a second with so many callers waiting for their own commit. */
  readonly callers: ReadonlyArray<{ readonly callers: number; readonly eventsPerSecond: number }>
  readonly verifyEventsPerSecond: number
}

const measured = Effect.gen(function* () {
  const log = yield* EventLog
  yield* appendRuns(0, 1_000, 64)
  const callers: Array<{ readonly callers: number; readonly eventsPerSecond: number }> = []
  let first = 1_000
  for (const [at, runs] of [[1, 700] as const, [16, 4_000] as const, [64, 8_000] as const, [256, 8_000] as const]) {
    callers.push({ callers: at, eventsPerSecond: yield* appendRuns(first, runs, at) })
    first += runs
  }
  const started = process.hrtime.bigint()
  const { events } = yield* log.verify
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  return { callers, verifyEventsPerSecond: Math.round(events / seconds) }
})

/** Chain, projection and checkpoints are on; the directory is on the disk of the temporary files. */
export const measureAppends = async (): Promise<Appends> => {
  const data = await mkdtemp(join(tmpdir(), "unsandbox-bench-"))
  try {
    return await Effect.runPromise(Effect.provide(measured, storage(data, [jobs])))
  } finally {
    await rm(data, { recursive: true, force: true })
  }
}

/** Writes at least `events` plausible events into a new log in `data`, through the real log; resolves with how many. */
export const seedEvents = (data: string, events: number): Promise<number> => {
  const runs = Math.ceil(events / 6)
  return Effect.runPromise(appendRuns(0, runs, 512).pipe(Effect.as(runs * 6), Effect.provide(storage(data, []))))
}
