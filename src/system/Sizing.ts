/** How much of this machine the pools may use: limits are ceilings, promises are what is never overcommitted. */
import { totalmem } from "node:os"
import type { Limits } from "../../events/Container.js"
import type { PoolId } from "../../events/Ids.js"
import type { Settings } from "../cli/Settings.js"

/** A claimed container is promised this part of its limit: most programs use far less than they may. */
const PROMISED_PART = 8
/** As many containers as still start and end smoothly side by side, where memory would carry more. */
const MOST = 256

/** Modes whose network exists. The others are off, whatever is configured: nothing may silently run as something else. */
const NETWORKS: ReadonlyArray<PoolId> = ["zerotrust", "semitrusted"]

export interface Sizing {
  readonly limits: (vcpu: number) => Limits
  readonly promise: (limits: Limits) => number
  readonly capacityBytes: number
  /** 0: the pool is off. */
  readonly maximum: (pool: PoolId) => number
  readonly target: (pool: PoolId) => number
}

interface Host {
  readonly memoryBytes: number
  readonly networks: ReadonlyArray<PoolId>
}

/** What is promised is bounded for all pools together; `maximum` is each pool's own. */
export const of = (
  settings: Settings,
  { memoryBytes = totalmem(), networks = NETWORKS }: Partial<Host> = {}
): Sizing => {
  const { memoryPerVcpuBytes, pidsPerContainer, pools, reserveBytes, tmpBytes } = settings
  const limits = (vcpu: number): Limits => ({
    memoryBytes: memoryPerVcpuBytes * vcpu,
    cpuMillis: 1000 * vcpu,
    pids: pidsPerContainer,
    tmpBytes
  })
  const promise = ({ memoryBytes: limit }: Limits) => Math.ceil(limit / PROMISED_PART)
  const capacityBytes = Math.max(0, memoryBytes - reserveBytes)
  const carried = Math.floor(capacityBytes / promise(limits(1)))
  const maximum = (pool: PoolId) => {
    const { maximum, target } = pools[pool]
    if (!networks.includes(pool)) return 0
    return maximum ?? Math.max(target, Math.min(MOST, carried))
  }
  const target = (pool: PoolId) => Math.min(pools[pool].target, maximum(pool))
  return { limits, promise, capacityBytes, maximum, target }
}
