/**
 * One warm pool: spawns before it is asked, hands each container out once, and lets those who must wait take fair turns.
 * Containers and claims are told by the containers' own streams; the pool's stream has its size and its circuit.
 */
import { Clock, Effect, Either, Exit } from "effect"
import type { Ending, Limits } from "../../events/Container.js"
import { type Capacity, capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import { containerSealed } from "../../src/guards/ContainerSealed.js"
import { enforce, type Refused } from "../../src/guards/Guard.js"
import { logDurable } from "../../src/guards/LogDurable.js"
import { Refusals } from "../../src/guards/Refusals.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import * as Life from "../container/Container.js"
import type { Live } from "../container/ContainerProcess.js"
import * as Latencies from "./Latencies.js"
import * as Line from "./Line.js"
import * as Pool from "./Pool.js"
import { type Claim, type Claimed, ContainerLost, type PoolStatus } from "./Pools.js"
import * as Shelf from "./Shelf.js"
import * as Spawning from "./Spawning.js"

export interface Options extends Spawning.Options {
  /** Memory that may be promised to claimed containers at one time. */
  readonly capacityBytes: number
  /** What a claim with these limits is promised of it. */
  readonly promise: (limits: Limits) => number
  readonly queueMillis: number
}

/** More would only wait for their deadline. */
const WAITING_MAXIMUM = 20_000
const SWEEP = "100 millis"

const same = (a: Limits, b: Limits) =>
  a.memoryBytes === b.memoryBytes && a.cpuMillis === b.cpuMillis && a.pids === b.pids && a.tmpBytes === b.tmpBytes

const lost = (error: { readonly _tag: string; readonly message: string }) =>
  new ContainerLost({ reason: `${error._tag} ${error.message}` })

const losses = {
  NotAccepted: lost,
  OutcomeUnknown: lost,
  Rejected: lost,
  SubstrateFailed: lost,
  SubstrateLost: lost
}

/** How its claimer ended is why the container ends. */
const askedBy = (exit: Exit.Exit<unknown, unknown>): Ending => (Exit.isInterrupted(exit) ? "cancelled" : "finished")

export interface WarmPool {
  readonly use: <A, E, R>(
    claim: Claim,
    body: (claimed: Claimed) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | Refused | LogUnavailable | ContainerLost, R>
  readonly status: Effect.Effect<PoolStatus>
  /** Keeps the queue moving and the pool's actor alive; the tree supervises it. What is in memory outlives a restart. */
  readonly run: Effect.Effect<void, unknown>
}

export const make = (options: Options) =>
  Effect.gen(function* () {
    const { capacityBytes, limits, pool, queueMillis } = options
    const refusals = yield* Refusals
    const latencies = Latencies.make()
    const judge = (facts: Partial<Capacity> & { readonly askedBytes: number }) =>
      capacityAvailable.decide({
        pool,
        capacityBytes,
        queueMillis,
        waitingMaximum: WAITING_MAXIMUM,
        promisedBytes: 0,
        waiting: 0,
        waitedMillis: 0,
        ...facts
      })
    const shelf = Shelf.make((promisedBytes, askedBytes) => Either.isRight(judge({ promisedBytes, askedBytes })))
    const line = Line.make(shelf, (askedBytes, waitedMillis) => judge({ askedBytes, waitedMillis }))
    const spawning = yield* Spawning.make(options, shelf)

    /** A pass costs nothing; a refusal is told before it is passed on. */
    const judged = <A>(decision: Either.Either<A, Refused>, owner: string): Effect.Effect<A, Refused> =>
      Either.isRight(decision)
        ? Effect.succeed(decision.right)
        : Effect.provideService(enforce(decision, { principal: owner, action: `claim ${pool}` }), Refusals, refusals)

    const take = (owner: string, askedBytes: number, since: number) =>
      Effect.suspend(() => {
        const live = shelf.take(askedBytes)
        // Its replacement starts before it is used.
        if (live !== undefined) return Effect.as(spawning.backfill, live)
        const { waiting } = shelf.counts()
        return judged(judge({ askedBytes, waiting }), owner).pipe(
          Effect.zipRight(spawning.backfill),
          Effect.zipRight(line.wait(owner, askedBytes, since))
        )
      })

    const release = (live: Live, exit: Exit.Exit<unknown, unknown>) => {
      live.asked = askedBy(exit)
      // Its own process waits for the proof that it is empty; the claimer need not.
      return live.container.release
    }

    const sealedWith = (live: Live, wanted: Limits, owner: string) =>
      same(limits, wanted)
        ? Effect.succeed(live.sealed)
        : Effect.flatMap(live.container.limit(wanted), (seal) =>
            judged(containerSealed.decide({ container: live.id, seal, limits: wanted, weak: options.weak }), owner)
          )

    const recorded = (live: Live, { job, limits: wanted, owner }: Claim, since: number) =>
      Effect.gen(function* () {
        const sealed = yield* sealedWith(live, wanted, owner)
        const claim = Life.Command.Claim({ job, owner, limits: wanted, sealed })
        const { rows } = yield* live.actor.commit(claim, { by: owner })
        const durable = yield* judged(logDurable.decide({ stream: `container/${live.id}`, rows }), owner)
        latencies.record((yield* Clock.currentTimeMillis) - since)
        return { id: live.id, container: live.container, sealed, durable, at: rows[0]?.at ?? 0 } satisfies Claimed
      }).pipe(Effect.catchTags(losses))

    const use = <A, E, R>(claim: Claim, body: (claimed: Claimed) => Effect.Effect<A, E, R>) =>
      Effect.flatMap(Clock.currentTimeMillis, (since) =>
        Effect.acquireUseRelease(
          take(claim.owner, options.promise(claim.limits), since),
          (live) => Effect.flatMap(recorded(live, claim, since), body),
          release
        )
      )

    const status = Effect.sync((): PoolStatus => {
      const { busy, idle, waiting } = shelf.counts()
      const { p50, p99 } = latencies.quantiles()
      return {
        id: pool,
        enabled: options.maximum > 0,
        target: options.target,
        maximum: options.maximum,
        idle,
        spawning: spawning.underWay(),
        busy,
        waiting,
        circuit: spawning.circuit(),
        claimP50Millis: p50,
        claimP99Millis: p99
      }
    })

    const run = Effect.gen(function* () {
      yield* Effect.forkScoped(sweep)
      yield* Effect.forkScoped(size)
      return yield* spawning.actor.run
    }).pipe(Effect.scoped)

    const sweep = Effect.forever(
      Effect.zipRight(Effect.sleep(SWEEP), Effect.map(Clock.currentTimeMillis, line.expire)).pipe(
        Effect.zipRight(spawning.backfill)
      )
    )
    const size = spawning.actor.ask(Pool.Command.Size({ pool, target: options.target, maximum: options.maximum }))
    return { use, status, run } satisfies WarmPool
  })
