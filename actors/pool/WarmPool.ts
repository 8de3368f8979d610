/**
 * One warm pool: spawns before it is asked, hands each container out once, and lets those who must wait take fair turns.
 * Containers and claims are told by the containers' own streams; the pool's stream has its size and its circuit.
 */
import { Effect, Either, Schedule } from "effect"
import type { Refused } from "../../src/guards/Guard.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import * as Monotonic from "../Monotonic.js"
import * as Claiming from "./Claiming.js"
import * as Latencies from "./Latencies.js"
import * as Line from "./Line.js"
import * as Pool from "./Pool.js"
import type { Claim, Claimed, ContainerLost, PoolStatus } from "./Pools.js"
import * as Room from "./Room.js"
import * as Shelf from "./Shelf.js"
import * as Spawning from "./Spawning.js"

export interface Options extends Spawning.Options, Room.Options, Claiming.Options {}

const SWEEP = "100 millis"

export interface WarmPool {
  readonly use: <A, E, R>(
    claim: Claim,
    body: (claimed: Claimed) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | Refused | LogUnavailable | ContainerLost, R>
  readonly status: Effect.Effect<PoolStatus>
  /** Keeps the queue moving and the pool's actor alive; the tree supervises it. What is in memory outlives a restart. */
  readonly run: Effect.Effect<void, unknown>
}

const runOf = ({ maximum, pool, target }: Options, line: Line.Line, { actor, backfill }: Spawning.Spawning) => {
  const sweep = Effect.map(Monotonic.millis, line.expire).pipe(
    Effect.zipRight(backfill),
    Effect.zipRight(Effect.sleep(SWEEP)),
    Effect.forever
  )
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
  const { busy, idle, waiting } = shelf.counts()
  const { p50, p99 } = latencies.quantiles()
  return {
    id: pool,
    enabled: maximum > 0,
    target,
    maximum,
    idle,
    spawning: spawning.underWay(),
    busy,
    waiting,
    circuit: spawning.circuit(),
    claimP50Millis: p50,
    claimP99Millis: p99
  }
}

export const make = (options: Options) =>
  Effect.gen(function* () {
    const latencies = Latencies.make()
    const room = Room.make(options)
    const shelf = Shelf.make((promisedBytes, askedBytes) => Either.isRight(room({ promisedBytes, askedBytes })))
    const line = Line.make(shelf, (askedBytes, waitedMillis) => room({ askedBytes, waitedMillis }))
    const spawning = yield* Spawning.make(options, shelf)
    const { backfill } = spawning
    const use = yield* Claiming.make(options, { room, shelf, line, latencies, backfill })
    const status = Effect.sync(() => statusOf(options, shelf, spawning, latencies))
    return { use, status, run: runOf(options, line, spawning) } satisfies WarmPool
  })
