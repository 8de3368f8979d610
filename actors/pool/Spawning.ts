/** Keeps a pool's shelf filled: starts what is lacking before it is asked for, and backs off when spawning fails. */
import { type Cause, Effect, Exit } from "effect"
import type { Limits } from "../../events/Container.js"
import { stream } from "../../events/Envelope.js"
import type { PoolId } from "../../events/Ids.js"
import { read } from "../../events/Pool.js"
import * as Actor from "../../src/kernel/Actor.js"
import type { Children } from "../../src/kernel/Children.js"
import * as ContainerProcess from "../container/ContainerProcess.js"
import * as Minting from "../Minting.js"
import { type Failure, whyOf } from "../Why.js"
import * as Pool from "./Pool.js"
import type { Shelf } from "./Shelf.js"

export interface Options {
  readonly pool: PoolId
  readonly target: number
  readonly maximum: number
  readonly limits: Limits
  /** Weaknesses of this host that the operator accepted. */
  readonly weak: ReadonlyArray<string>
  /** Own the pool's containers, and the actors that tell their lives. */
  readonly containers: Children
  readonly actors: Children
}

/** Spawns under way for those who wait, beyond the target: the spawner's queue must not run dry. */
const WIDTH = 8

export interface Spawning {
  /** Starts what is lacking; resolves at once, the containers come by themselves. */
  readonly backfill: Effect.Effect<void>
  readonly underWay: () => number
  readonly circuit: () => "closed" | "open" | "half-open"
  readonly actor: Actor.Actor<Pool.State, Pool.Command, Pool.Rejected>
}

export const make = (options: Options, shelf: Shelf) =>
  Effect.gen(function* () {
    const { containers, pool } = options
    const scope = yield* Effect.scope
    const clock = yield* Effect.clock
    const lifeOf = yield* ContainerProcess.make
    const actor = yield* Actor.make({
      stream: stream("pool", pool),
      by: `pools/${pool}`,
      capacity: 64,
      initial: Pool.initial,
      decide: Pool.decide,
      evolve: Pool.evolve,
      read,
      react: () => Effect.void,
      done: () => false
    })
    let underWay = 0
    let failures = 0
    let pausing = false

    const lacking = () => {
      const { busy, idle, waiting } = shelf.counts()
      const room = options.maximum - idle - busy - underWay
      const wanted = Math.max(options.target, Math.min(waiting, WIDTH)) - idle - underWay
      // After its pause an open circuit lets one spawn through; what becomes of that decides.
      return Math.min(room, failures < Pool.TOLERATED ? wanted : Math.min(wanted, 1 - underWay))
    }

    const backfill: Effect.Effect<void> = Effect.suspend(() =>
      pausing || lacking() <= 0 ? Effect.void : Effect.flatMap(spawn, (begun) => (begun ? backfill : Effect.void))
    )

    const pause = Effect.suspend(() => {
      pausing = true
      const resume = Effect.suspend(() => {
        pausing = false
        return backfill
      })
      // Spawns fail in finalizers: without this the end of the pool would wait for the end of the pause.
      return Effect.forkIn(Effect.interruptible(Effect.delay(resume, Pool.pauseAfter(failures))), scope)
    })

    const failed = (cause: Cause.Cause<Failure>) =>
      Effect.suspend(() => {
        // Begun before the pause that is on: the same trouble, not one more.
        if (pausing) return Effect.void
        failures += 1
        const reason = whyOf(cause).slice(0, 500)
        return Effect.zipRight(actor.tell(Pool.Command.Fail({ failures, reason })), Effect.asVoid(pause))
      })

    const sealed = (live: ContainerProcess.Live) =>
      Effect.suspend(() => {
        underWay -= 1
        const recovered = failures > 0
        failures = 0
        shelf.put(live)
        return recovered ? Effect.zipRight(actor.tell(Pool.Command.Succeed()), backfill) : Effect.void
      })

    const spawn = Effect.suspend(() => {
      const id = Minting.containerId(clock.unsafeCurrentTimeMillis())
      let born = false
      const life = lifeOf(id, {
        ...options,
        sealed: (live) => {
          born = true
          return sealed(live)
        },
        gone: (live) =>
          Effect.zipRight(
            Effect.sync(() => shelf.drop(live)),
            backfill
          )
      }).pipe(
        Effect.onExit((exit) => {
          if (born) return Effect.void
          underWay -= 1
          return Exit.isFailure(exit) && !Exit.isInterrupted(exit) ? failed(exit.cause) : Effect.void
        })
      )
      underWay += 1
      return Effect.tap(containers.start(id, life), (begun) => {
        if (!begun) underWay -= 1
      })
    })

    const circuit = () => (failures < Pool.TOLERATED ? "closed" : pausing ? "open" : "half-open")
    return { actor, backfill, circuit, underWay: () => underWay } satisfies Spawning
  })
