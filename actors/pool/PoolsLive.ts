/** The warm pools that are configured; their containers and the actors of these are supervised here. */
import { Effect } from "effect"
import type { PoolId } from "../../events/Ids.js"
import { enforce } from "../../src/guards/Guard.js"
import { networkPermitted } from "../../src/guards/NetworkPermitted.js"
import { Refusals } from "../../src/guards/Refusals.js"
import type { Pools } from "./Pools.js"
import * as WarmPool from "./WarmPool.js"

export const make = (options: ReadonlyArray<WarmPool.Options>) =>
  Effect.gen(function* () {
    const pools = yield* Effect.forEach(options, (one) =>
      Effect.map(WarmPool.make(one), (pool) => [one.pool, pool] as const)
    )
    const refusals = yield* Refusals
    const byId = new Map<PoolId, WarmPool.WarmPool>(pools)
    const available = options.filter(({ maximum }) => maximum > 0).map(({ pool }) => pool)

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
      status: Effect.all([...byId.values()].map(({ status }) => status))
    }
    return { service, available, runs: pools.map(([pool, { run }]) => ({ pool, run })) }
  })
