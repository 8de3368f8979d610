/**
 * One warm pool: spawns before it is asked, hands each container out once, and lets those who must wait take fair turns.
 * Containers and claims are told by the containers' own streams; the pool's stream has its size and its circuit.
 */
import { Effect, Either, Schedule } from "effect"
import type { ContainerId } from "../../events/Ids.js"
import type { Refused } from "../../src/guards/Guard.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import * as Monotonic from "../Monotonic.js"
import * as Adopting from "./Adopting.js"
import type { Budget } from "./Budget.js"
import * as Claiming from "./Claiming.js"
import * as Latencies from "./Latencies.js"
import * as Line from "./Line.js"
import * as Owning from "./Owning.js"
import * as Pool from "./Pool.js"
import type { Adopted, Claim, Claimed, ContainerLost, PoolStatus } from "./Pools.js"
import * as Room from "./Room.js"
import * as Shelf from "./Shelf.js"
import * as Spawning from "./Spawning.js"
import { ADOPTED_WITHIN_MILLIS, Strays, type Survivor } from "./Strays.js"
import * as Surplus from "./Surplus.js"

export interface Options extends Spawning.Options, Room.Options {
  /** How long what a former control plane kept waits to be adopted. Default: 30 seconds. */
  readonly adoptedWithinMillis?: number
}

const SWEEP = "100 millis"

export interface WarmPool {
  readonly use: <A, E, R>(
    claim: Claim,
    body: (claimed: Claimed) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | Refused | LogUnavailable | ContainerLost, R>
  /** A container of this pool waits to be adopted. */
  readonly waits: (container: ContainerId) => boolean
  readonly adopt: <A, E, R>(
    container: ContainerId,
    claim: Claim,
    body: (adopted: Adopted) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | Refused | LogUnavailable | ContainerLost, R>
  /** Resolves once it waits to be adopted, or could not. */
  readonly survive: (survivor: Survivor) => Effect.Effect<void>
  readonly status: Effect.Effect<PoolStatus>
  /** Keeps the queue moving and the pool's actor alive; the tree supervises it. What is in memory outlives a restart. */
  readonly run: Effect.Effect<void, unknown>
}

const runOf = (options: Options, shelf: Shelf.Shelf, line: Line.Line, strays: Strays, spawning: Spawning.Spawning) => {
  const { maximum, pool, target } = options
  const { actor, backfill } = spawning
  const shrink = Surplus.make(options, shelf)
  const expire = Effect.flatMap(Monotonic.millis, (now) => {
    line.expire(now)
    const ended = Effect.forEach(strays.expire(now), ({ container }) => container.release, { discard: true })
    return Effect.zipRight(ended, shrink(now))
  })
  const sweep = expire.pipe(Effect.zipRight(backfill), Effect.zipRight(Effect.sleep(SWEEP)), Effect.forever)
  const sized = Effect.retry(actor.ask(Pool.Command.Size({ pool, target, maximum })), Schedule.spaced("500 millis"))
  // What ends one of them ends all, and the tree starts all again.
  return Effect.all([sweep, sized, actor.run], { concurrency: "unbounded", discard: true })
}

const statusOf = (
  { maximum, pool, target }: Options,
  shelf: Shelf.Shelf,
  spawning: Spawning.Spawning,
  latencies: Latencies.Latencies
): PoolStatus => {
  const { busy, idle, lingering, waiting } = shelf.counts()
  const { p50, p99 } = latencies.quantiles()
  return {
    id: pool,
    enabled: maximum > 0,
    target,
    maximum,
    idle,
    spawning: spawning.underWay(),
    busy,
    lingering,
    waiting,
    circuit: spawning.circuit(),
    claimP50Millis: p50,
    claimP99Millis: p99
  }
}

export const make = (options: Options, budget: Budget) =>
  Effect.gen(function* () {
    const latencies = Latencies.make()
    const strays = new Strays(options.adoptedWithinMillis ?? ADOPTED_WITHIN_MILLIS)
    const room = Room.make(options)
    const fits = (promisedBytes: number, askedBytes: number) => Either.isRight(room({ promisedBytes, askedBytes }))
    const shelf = Shelf.make(budget, fits)
    const line = Line.make(shelf, (askedBytes, waitedMillis) => room({ askedBytes, waitedMillis }))
    const spawning = yield* Spawning.make(options, shelf, strays)
    const { backfill, survive } = spawning
    const owning = yield* Owning.make(options, { budget, room, shelf, strays })
    const use = Claiming.make(options, owning, { room, shelf, line, latencies, backfill })
    const adopt = yield* Adopting.make(owning, strays)
    const status = Effect.sync(() => statusOf(options, shelf, spawning, latencies))
    const waits = (container: ContainerId) => strays.get(container) !== undefined
    return { use, waits, adopt, survive, status, run: runOf(options, shelf, line, strays, spawning) } satisfies WarmPool
  })
