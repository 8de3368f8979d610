/** Keeps a pool's shelf filled: starts what is lacking before it is asked for, and backs off when spawning fails. */
import { type Cause, Deferred, Effect, Exit, FiberId } from "effect"
import type { Limits } from "../../events/Container.js"
import { stream } from "../../events/Envelope.js"
import type { PoolId } from "../../events/Ids.js"
import { read } from "../../events/Pool.js"
import * as Actor from "../../src/kernel/Actor.js"
import type { Children } from "../../src/kernel/Children.js"
import * as ContainerProcess from "../container/ContainerProcess.js"
import * as Facts from "../container/Facts.js"
import * as Minting from "../Minting.js"
import * as Monotonic from "../Monotonic.js"
import { type Failure, whyOf } from "../Why.js"
import * as Pool from "./Pool.js"
import type { Shelf } from "./Shelf.js"
import type { Strays, Survivor } from "./Strays.js"

export interface Options {
  readonly pool: PoolId
  readonly target: number
  readonly maximum: number
  readonly limits: Limits
  /** Weaknesses of this host that the operator accepted. */
  readonly weak: ReadonlyArray<string>
  /** The egress proxy's socket, where the pool's containers have a way out. */
  readonly outlet?: string
  /** Own the pool's containers, and the actors that tell their lives. */
  readonly containers: Children
  readonly actors: Children
  /** What a claim with these limits is promised of the memory that the pools share. */
  readonly promise: (limits: Limits) => number
}

/** Spawns under way for those who wait, beyond the target: the spawner's queue must not run dry. */
const WIDTH = 8
/** One that cannot be taken in is destroyed and its end told: the start does not wait for more of that. */
const SETTLED_WITHIN = "5 seconds"

export interface Spawning {
  /** Starts what is lacking; resolves at once, the containers come by themselves. */
  readonly backfill: Effect.Effect<void>
  /** Takes in what a former control plane kept, as out and with what it has. Resolves once it is there, or could not be. */
  readonly survive: (survivor: Survivor) => Effect.Effect<void>
  readonly underWay: () => number
  readonly circuit: () => "closed" | "open" | "half-open"
  readonly actor: Actor.Actor<Pool.State, Pool.Command, Pool.Rejected>
}

export const make = (options: Options, shelf: Shelf, strays: Strays) =>
  Effect.gen(function* () {
    const { containers, pool } = options
    const scope = yield* Effect.scope
    const clock = yield* Effect.clock
    const lives = yield* ContainerProcess.make
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
      const { busy, idle, lingering, waiting } = shelf.counts()
      const room = options.maximum - idle - busy - lingering - underWay
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

    const ends = {
      lingers: (live: ContainerProcess.Live) => Effect.sync(() => shelf.linger(live)),
      gone: (live: ContainerProcess.Live) =>
        Effect.suspend(() => {
          strays.forget(live)
          shelf.drop(live)
          return backfill
        })
    }

    const spawn = Effect.suspend(() => {
      const id = Minting.containerId(clock.unsafeCurrentTimeMillis())
      let born = false
      const life = lives
        .born(id, {
          ...options,
          ...ends,
          sealed: (live) => {
            born = true
            return sealed(live)
          }
        })
        .pipe(
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

    const survive = (survivor: Survivor) => {
      const { container: id } = survivor.claim
      const { container } = survivor.kept
      const limits = Facts.limitsOf(container.seal, survivor.claim.limits)
      const settled = Deferred.unsafeMake<void>(FiberId.none)
      const sealed = (live: ContainerProcess.Live) =>
        Effect.flatMap(Monotonic.millis, (now) => {
          shelf.adopt(live, options.promise(limits))
          strays.find(live, survivor, now)
          return Effect.asVoid(Deferred.succeed(settled, undefined))
        })
      const life = lives.found(id, container, { ...options, ...ends, limits, sealed })
      const begun = containers.start(id, life, Effect.asVoid(Deferred.succeed(settled, undefined)))
      return Effect.if(begun, {
        onTrue: () => Effect.ignore(Effect.timeoutOption(Deferred.await(settled), SETTLED_WITHIN)),
        onFalse: () => lives.discard(id, container, pool)
      })
    }

    const circuit = () => (failures < Pool.TOLERATED ? "closed" : pausing ? "open" : "half-open")
    return { actor, backfill, circuit, survive, underWay: () => underWay } satisfies Spawning
  })
