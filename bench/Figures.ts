/** The figures beside the rows: what a start costs, what an idle container costs, how fast history is written and read. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import * as Client from "../src/cli/Client.js"
import { general } from "../src/cli/Failure.js"
import * as ServerProcess from "../src/cli/ServerProcess.js"
import { EventLog } from "../src/log/EventLog.js"
import * as Storage from "../src/store/Storage.js"
import { measureAppends, seedEvents } from "./append.js"
import { load } from "./Load.js"
import { childrenOf, cpuOf, memoryKb, residentKb } from "./Machine.js"
import { request } from "./Rows.js"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "unsandbox-bench-"))),
  (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
)

const median = (values: ReadonlyArray<number>): number =>
  [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0

/** A server of the benchmark's own; requests may wait as long as a full queue takes. */
export const server = Effect.fnUntraced(function* (pool: string, data?: string) {
  const chosen = data ?? (yield* directory)
  return yield* ServerProcess.start({
    data: chosen,
    arguments: ["--pool", `zerotrust=${pool}`, "--queue", "10m"],
    readyWithinMillis: 120_000
  })
})

export interface PoolView {
  readonly idle: number
  readonly claim_p50_ms: number
  readonly claim_p99_ms: number
}

const number = (value: unknown): number => (typeof value === "number" ? value : 0)

export const pool = Effect.fnUntraced(function* (of: Client.Credentials) {
  const { body } = yield* Client.call(of, { method: "GET", path: "/pools" })
  const pools = Array.isArray(body.pools) ? body.pools : []
  const first: Readonly<Record<string, unknown>> =
    pools.find((one) => String(one.id).includes("zerotrust")) ?? pools[0] ?? {}
  const view: PoolView = {
    idle: number(first.available),
    claim_p50_ms: number(first.claim_p50_ms),
    claim_p99_ms: number(first.claim_p99_ms)
  }
  return view
})

const BASH = request("bash", "echo hi")

const timed = <A, E, R>(run: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const begun = performance.now()
    const value = yield* run
    return [performance.now() - begun, value] as const
  })

/** One at a time, each with the pause that a warm pool needs to be full again. */
const oneByOne = (of: Client.Credentials, count: number, pauseMillis: number) =>
  Effect.forEach(Array.from({ length: count }), () =>
    timed(Client.call(of, BASH)).pipe(
      Effect.map(([millis]) => millis),
      Effect.delay(pauseMillis)
    )
  ).pipe(Effect.map(median))

/** Median milliseconds of a request that must wait for its container to be made, beside one that finds it ready. */
export const starts = Effect.gen(function* () {
  const cold = yield* Effect.scoped(Effect.flatMap(server("0:16"), (of) => oneByOne(of, 31, 20)))
  const warm = yield* Effect.scoped(Effect.flatMap(server("8"), (of) => oneByOne(of, 31, 20)))
  return { cold_start_p50_ms: cold, warm_start_p50_ms: warm }
})

const settled = Effect.sleep("2 seconds")

const full = (of: Client.Credentials, wanted: number) =>
  pool(of).pipe(
    Effect.delay("100 millis"),
    Effect.repeat({ until: ({ idle }) => idle >= wanted }),
    Effect.timeoutFail({
      duration: "3 minutes",
      onTimeout: () => general("bench", `the pool did not reach ${wanted} containers within 3 minutes`)
    })
  )

/** From the log: sealed containers a second, first to last. */
const createdPerSecond = (data: string) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const times: Array<number> = []
    for (let after = 0, more = true; more; ) {
      const rows = yield* log.page(after, 1_000)
      for (const row of rows) if (row.type === "ContainerSealed") times.push(row.at)
      after = rows.at(-1)?.seq ?? after
      more = rows.length > 0
    }
    const micros = (times.at(-1) ?? 0) - (times[0] ?? 0)
    return micros === 0 ? 0 : ((times.length - 1) * 1e6) / micros
  }).pipe(Effect.provide(Storage.readOnly({ data })))

/** What `count` idle containers take of the host's memory, all told, and how fast they came. */
export const idle = Effect.fnUntraced(function* (count: number) {
  const empty = yield* Effect.scoped(
    Effect.gen(function* () {
      yield* server("0:16")
      yield* settled
      return { available: memoryKb("MemAvailable"), slab: memoryKb("Slab") }
    })
  )
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const of = yield* server(`${count}:${count + 64}`)
      yield* full(of, count)
      yield* settled
      const taken = empty.available - memoryKb("MemAvailable")
      return {
        idle_containers: count,
        idle_kb: taken / count,
        idle_slab_kb: (memoryKb("Slab") - empty.slab) / count,
        server_rss_mb: residentKb(of.pid) / 1024,
        creates_per_s: yield* createdPerSecond(of.data)
      }
    })
  )
})

/** A killed server comes back over a history of `events`. */
export const recovery = Effect.fnUntraced(function* (events: number) {
  const data = yield* directory
  yield* Effect.promise(() => seedEvents(data, events))
  const killed = yield* server("8", data)
  yield* load(killed, { ...BASH, connections: 4, amount: 8 })
  yield* killed.kill("SIGKILL")
  yield* killed.ended
  const [millis] = yield* timed(server("8", data))
  return millis
}, Effect.scoped)

/** Durable events a second, by how many callers wait for their own commit. */
export const appends = Effect.map(
  Effect.promise(() => measureAppends()),
  ({ callers, verifyEventsPerSecond }) => ({
    events_per_s: Math.max(...callers.map(({ eventsPerSecond }) => eventsPerSecond)),
    ...Object.fromEntries(callers.map((at) => [`events_per_s_${at.callers}_callers`, at.eventsPerSecond])),
    verified_events_per_s: verifyEventsPerSecond
  })
)

/** Milliseconds of CPU, by who used them, since `before` was taken. */
export interface Split {
  readonly server: { readonly user: number; readonly system: number }
  readonly spawner: { readonly user: number; readonly system: number }
  readonly containers: { readonly user: number; readonly system: number }
}

const sample = (pid: number) => {
  const own = cpuOf(pid)
  const children = childrenOf(pid).map(cpuOf)
  const sum = (key: keyof typeof own) => children.reduce((total, child) => total + child[key], 0)
  return {
    server: { user: own.user, system: own.system },
    spawner: { user: sum("user"), system: sum("system") },
    containers: { user: sum("reapedUser"), system: sum("reapedSystem") }
  }
}

/** The containers' processes are children of the spawner's children: their time is the spawner's once they are reaped. */
export const cpu = <A, E, R>(pid: number, run: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = sample(pid)
    const value = yield* run
    const after = sample(pid)
    const since = (of: keyof Split) => ({
      user: after[of].user - before[of].user,
      system: after[of].system - before[of].system
    })
    const split: Split = { server: since("server"), spawner: since("spawner"), containers: since("containers") }
    return [split, value] as const
  })

/** That many at once on one server: every one of them should be answered. */
export const crowd = (of: Client.Credentials, connections: number) =>
  load(of, { ...BASH, connections, amount: connections })
