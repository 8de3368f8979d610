/** How this installation is: pools, load, counts, shells. */
import { availableParallelism, freemem, hostname, loadavg, totalmem } from "node:os"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Effect } from "effect"
import { Jobs } from "../../../actors/job/Jobs.js"
import { type PoolStatus, Pools } from "../../../actors/pool/Pools.js"
import type { PoolId } from "../../../events/Ids.js"
import * as Shells from "../../languages/Shells.js"
import { Toolchains } from "../../languages/Toolchains.js"
import { ServiceTable } from "../../projections/ServiceTable.js"
import { Totals } from "../../projections/Totals.js"
import { Api } from "../Api.js"
import * as Problem from "../Problem.js"

const gib = 2 ** 30

const rounded = (value: number): number => Math.round(value * 100) / 100

const load = () => {
  const [load1 = 0, load5 = 0, load15 = 0] = loadavg()
  return { load1: rounded(load1), load5: rounded(load5), load15: rounded(load15) }
}

const memory = () => {
  const [all, free] = [totalmem(), freemem()]
  return {
    used_gb: rounded((all - free) / gib),
    available_gb: rounded(free / gib),
    used_percent: rounded(((all - free) / all) * 100)
  }
}

const sum = (pools: ReadonlyArray<PoolStatus>, of: (pool: PoolStatus) => number) =>
  pools.reduce((total, pool) => total + of(pool), 0)

const breakdown = ({ busy, idle }: PoolStatus) => ({ allocated: busy, available: idle, total: busy + idle })

const networkMode = (pools: ReadonlyArray<PoolStatus>) => {
  const [one, another] = pools
  if (one === undefined || another !== undefined) return "hybrid" as const
  return `${one.id}_only` as const
}

const nothing = { allocated: 0, available: 0, total: 0 }

/** Every network has its line, whether or not this server has it; services that reach outside are told apart. */
const networks = (pools: ReadonlyArray<PoolStatus>, services: ReadonlyMap<PoolId, number>) => {
  const of = (id: PoolId) => {
    const found = pools.find((pool) => pool.id === id)
    return found === undefined ? nothing : breakdown(found)
  }
  return {
    zerotrust: of("zerotrust"),
    semitrusted: { ...of("semitrusted"), services: services.get("semitrusted") ?? 0 }
  }
}

const cluster = (all: ReadonlyArray<PoolStatus>, services: ReadonlyMap<PoolId, number>, version: string) => {
  const pools = all.filter(({ enabled }) => enabled)
  const size = sum(pools, ({ target }) => target)
  const mode = size > 0 ? ("pooled" as const) : ("on_demand" as const)
  return {
    mode,
    pool_size: size,
    allocated: sum(pools, ({ busy }) => busy),
    available: sum(pools, ({ idle }) => idle),
    spawning: sum(pools, ({ spawning }) => spawning),
    waiting: sum(pools, ({ waiting }) => waiting),
    total_containers: sum(pools, ({ busy, idle, spawning }) => busy + idle + spawning),
    network_mode: networkMode(pools),
    network_breakdown: networks(pools, services),
    load_avg: load(),
    memory: memory(),
    version
  }
}

const health = ({ circuit, idle, spawning }: PoolStatus) => {
  if (circuit === "open") return "unhealthy" as const
  return circuit === "closed" && idle + spawning > 0 ? ("healthy" as const) : ("degraded" as const)
}

const pool = (status: PoolStatus) => ({
  id: `${status.id}@${hostname()}`,
  host: hostname(),
  status: health(status),
  ...breakdown(status),
  spawning: status.spawning,
  lingering: status.lingering,
  waiting: status.waiting,
  target: status.target,
  maximum: status.maximum,
  circuit: status.circuit,
  claim_p50_ms: rounded(status.claimP50Millis),
  claim_p99_ms: rounded(status.claimP99Millis),
  vcpu_count: availableParallelism(),
  load_avg: load()
})

const listed = (all: ReadonlyArray<PoolStatus>) => {
  const pools = all.filter(({ enabled }) => enabled)
  return {
    pool_count: pools.length,
    total_capacity: sum(pools, ({ target }) => target),
    total_allocated: sum(pools, ({ busy }) => busy),
    total_available: sum(pools, ({ idle }) => idle),
    pools: pools.map(pool)
  }
}

export const ClusterLive = (version: string) =>
  HttpApiBuilder.group(Api, "cluster", (handlers) =>
    Effect.gen(function* () {
      const { status } = yield* Pools
      const { networks } = yield* ServiceTable
      const told = Effect.zipWith(status, networks, (all, services) => cluster(all, services, version))
      return handlers
        .handle("cluster", () => Effect.mapError(told, Problem.of))
        .handle("pools", () => Effect.map(status, listed))
    })
  )

export const SystemLive = HttpApiBuilder.group(Api, "system", (handlers) =>
  Effect.gen(function* () {
    const { status } = yield* Pools
    const { active } = yield* Jobs
    const { counts } = yield* Totals
    const toolchains = yield* Toolchains

    const stats = Effect.gen(function* () {
      const { load1, load15, load5 } = load()
      return {
        containers: sum(yield* status, ({ busy, idle }) => busy + idle),
        load_1min: load1.toFixed(2),
        load_5min: load5.toFixed(2),
        load_15min: load15.toFixed(2),
        active_jobs: yield* active,
        totals: yield* counts
      }
    }).pipe(Effect.mapError(Problem.of))

    return handlers.handle("stats", () => stats).handle("shells", () => Effect.succeed(Shells.listed(toolchains)))
  })
)
