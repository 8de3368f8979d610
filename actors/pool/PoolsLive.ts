/** The warm pools that are configured, over one budget; their containers and the actors of these are supervised here. */
import { Effect } from "effect"
import type { ContainerId, PoolId } from "../../events/Ids.js"
import { enforce } from "../../src/guards/Guard.js"
import { networkPermitted } from "../../src/guards/NetworkPermitted.js"
import { Refusals } from "../../src/guards/Refusals.js"
import { Budget } from "./Budget.js"
import { ContainerLost, type Pools } from "./Pools.js"
import type { Survivor } from "./Strays.js"
import * as WarmPool from "./WarmPool.js"

/** What a former control plane kept of a pool. */
export interface PoolSurvivor extends Survivor {
  readonly pool: PoolId
}

const TOGETHER = { concurrency: 64, discard: true } as const

const lost = (container: ContainerId) => new ContainerLost({ reason: `${container} does not wait to be adopted` })

export const make = (options: ReadonlyArray<WarmPool.Options>, survivors: ReadonlyArray<PoolSurvivor> = []) =>
  Effect.gen(function* () {
    const budget = new Budget()
    const pools = yield* Effect.forEach(options, (one) =>
      Effect.map(WarmPool.make(one, budget), (pool) => [one.pool, pool] as const)
    )
    const refusals = yield* Refusals
    const byId = new Map<PoolId, WarmPool.WarmPool>(pools)
    const available = options.filter(({ maximum }) => maximum > 0).map(({ pool }) => pool)
    yield* Effect.forEach(survivors, (one) => byId.get(one.pool)?.survive(one) ?? Effect.void, TOGETHER)

    const service: typeof Pools.Service = {
      use: (pool, claim, body) => {
        const one = byId.get(pool)
        if (one !== undefined && available.includes(pool)) return one.use(claim, body)
        return enforce(networkPermitted.decide({ mode: pool, available }), {
          principal: claim.owner,
          action: `claim ${pool}`
        }).pipe(
          Effect.zipRight(Effect.dieMessage(`pool ${pool} is available and is not there`)),
          Effect.provideService(Refusals, refusals)
        )
      },
      adopt: (container, claim, body) =>
        Effect.suspend(() => {
          const one = [...byId.values()].find(({ waits }) => waits(container))
          return one === undefined ? lost(container) : one.adopt(container, claim, body)
        }),
      status: Effect.all([...byId.values()].map(({ status }) => status))
    }
    return { service, available, runs: pools.map(([pool, { run }]) => ({ pool, run })) }
  })
