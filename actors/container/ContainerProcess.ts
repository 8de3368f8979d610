/** A container as a process of ours: created, sealed, offered to its pool, watched; its end told to the log. */
import { Cause, Effect, Either, Exit, Schedule } from "effect"
import type { Ending, Limits } from "../../events/Container.js"
import type { ContainerId, PoolId } from "../../events/Ids.js"
import { containerSealed, type Sealed } from "../../src/guards/ContainerSealed.js"
import { enforce, type Permit, type Refused } from "../../src/guards/Guard.js"
import { Refusals } from "../../src/guards/Refusals.js"
import * as Actor from "../../src/kernel/Actor.js"
import type { Children } from "../../src/kernel/Children.js"
import { EventLog } from "../../src/log/EventLog.js"
import { type Container, type Gone, Substrate, type SubstrateError } from "../../src/substrate/Substrate.js"
import * as Monotonic from "../Monotonic.js"
import * as Outlet from "../pool/Outlet.js"
import * as Waking from "../Waking.js"
import * as Life from "./Container.js"
import * as ContainerActor from "./ContainerActor.js"
import { birthOf, endOf } from "./Facts.js"

/** A sealed container, in its pool's hands or in a claimer's. */
export interface Live {
  readonly id: ContainerId
  readonly container: Container
  readonly actor: ContainerActor.ContainerActor
  readonly sealed: Permit<"D23", Sealed>
  /** Why its owner asked for its end; what the kernel did on its own account outranks it. */
  asked: Ending
  /** It survives the control plane. */
  kept: boolean
  /** When this process is told to stop, it goes on running: the next start finds it. */
  left: boolean
}

interface Owner {
  readonly pool: PoolId
  readonly limits: Limits
  /** Weaknesses of this host that the operator accepted. */
  readonly weak: ReadonlyArray<string>
  /** The egress proxy's socket, where the pool's containers have a way out. */
  readonly outlet?: string | undefined
  /** Runs the actors of the pool's containers. */
  readonly actors: Children
  readonly sealed: (live: Live) => Effect.Effect<void>
  /** It is gone, and the kernel still shows something of it; `gone` follows once it does not. */
  readonly lingers: (live: Live) => Effect.Effect<void>
  /** Run once for each `sealed`, as soon as it is of no use: it is gone, or it is going to be. */
  readonly gone: (live: Live) => Effect.Effect<void>
}

/** The log may be full for a while: what happened to a container is told as soon as it can be. */
const untilWritten = Schedule.spaced("500 millis")

const LOOK = "1 second"

/** Only processes that were counted: of what died with the spawner, the next one clears the rest before it makes anything. */
const lingers = (exit: Exit.Exit<Gone, unknown>) => Exit.isSuccess(exit) && (exit.value.left ?? 0) > 0

const remaining = (live: Live, exit: Exit.Exit<unknown, unknown>) => live.left && Exit.isInterrupted(exit)

interface Lives {
  /**
   * The life of a container: it runs until the container is gone and its end is told; interrupting it destroys the
   * container, unless that was left. It fails when that could not be created, sealed or recorded: then nothing of it
   * is left.
   */
  readonly born: (id: ContainerId, owner: Owner) => Effect.Effect<void, SubstrateError | Failure>
  /** The same for one that was there before: it fails when what the kernel shows is not a sealed container. */
  readonly found: (id: ContainerId, container: Container, owner: Owner) => Effect.Effect<void, Failure>
  /** Of one that was there before and that cannot have a life here: destroyed, and its end told. */
  readonly discard: (id: ContainerId, container: Container, pool: PoolId) => Effect.Effect<void>
}

type Failure = Refused | Actor.Declined<Life.Rejected>

export const make = Effect.gen(function* () {
  const substrate = yield* Substrate
  const refusals = yield* Refusals
  const log = yield* EventLog

  const later = (id: ContainerId, pool: PoolId, command: Life.Command) =>
    Effect.retry(Waking.wake(log, ContainerActor.definition(id, pool, false), command), untilWritten)

  const tellEnd = (live: Live, pool: PoolId) =>
    Effect.gen(function* () {
      const end = endOf(
        yield* Effect.catchTag(live.container.destroy, "SubstrateLost", () => live.container.gone),
        live.asked
      )
      // Once this process is told to stop, what cannot be written is the next start's to settle.
      yield* Effect.catchAll(live.actor.ask(end), () =>
        Effect.zipRight(live.actor.stop, Effect.interruptible(later(live.id, pool, end)))
      )
    }).pipe(Effect.ignore, Effect.zipRight(live.actor.stop))

  /** Nothing is assumed of what the kernel still shows: it is looked at until it is empty. */
  const emptied = (live: Live, { gone, pool }: Owner) =>
    Effect.repeat(live.container.left, { until: (left) => left === 0, schedule: Schedule.spaced(LOOK) }).pipe(
      Effect.zipRight(gone(live)),
      Effect.zipRight(later(live.id, pool, Life.Command.Empty())),
      Effect.ignore
    )

  const offered = (live: Live, owner: Owner) =>
    Effect.acquireUseRelease(
      Effect.suspend(() => owner.sealed(live)),
      () => live.container.gone,
      (_, exit) => (lingers(exit) ? owner.lingers(live) : owner.gone(live))
    )

  /** As far as the log knows. What was never sealed has no end to tell, and the actor says so. */
  const recorded = (live: Live, owner: Owner, before: Effect.Effect<unknown, Failure>) => {
    const { actor, id } = live
    return Effect.acquireUseRelease(
      owner.actors.start(id, actor.run, actor.stop),
      (begun) =>
        begun
          ? Effect.zipRight(before, offered(live, owner))
          : Effect.dieMessage(`there is no room for the actor of ${id}`),
      (begun, exit) => {
        if (!begun) return Effect.void
        return remaining(live, exit) ? actor.stop : tellEnd(live, owner.pool)
      }
    ).pipe(Effect.flatMap(({ left }) => ((left ?? 0) > 0 ? emptied(live, owner) : Effect.void)))
  }

  const judged = (id: ContainerId, container: Container, { limits, pool, weak }: Owner) => {
    const permit = containerSealed.decide({ container: id, seal: container.seal, limits, weak })
    if (Either.isRight(permit)) return Effect.succeed(permit.right)
    const asked = { principal: `pools/${pool}`, action: `seal ${id}` }
    return Effect.provideService(enforce(permit, asked), Refusals, refusals)
  }

  const lived = <E>(
    id: ContainerId,
    owner: Owner,
    container: Effect.Effect<Container, E>,
    born: boolean,
    before: (live: Live) => Effect.Effect<unknown, Failure>
  ) =>
    Effect.suspend(() => {
      let live: Live | undefined
      return Effect.acquireUseRelease(
        container,
        (container) =>
          Effect.flatMap(judged(id, container, owner), (sealed) => {
            const actor = Actor.on(log, ContainerActor.definition(id, owner.pool, born))
            live = { id, container, actor, sealed, asked: "shutdown", kept: !born, left: !born }
            return recorded(live, owner, before(live))
          }),
        ({ destroy }, exit) =>
          Exit.isInterrupted(exit) && (live?.left ?? !born) ? Effect.void : Effect.ignore(destroy)
      )
    })

  const made = (id: ContainerId, { limits, outlet }: Owner) =>
    Effect.flatMap(substrate.create(id, limits), (container) => Outlet.opened(container, outlet))

  const born = (id: ContainerId, owner: Owner) =>
    Effect.flatMap(Monotonic.millis, (from) =>
      lived(id, owner, made(id, owner), true, (live) =>
        Effect.flatMap(Monotonic.millis, (now) => {
          const { limits, pool } = owner
          const birth = birthOf({ id, limits, pool, seal: live.container.seal, spawnMillis: now - from })
          return live.actor.ask(Life.Command.Seal({ birth, sealed: live.sealed }))
        })
      )
    )

  const discard = (id: ContainerId, container: Container, pool: PoolId) =>
    Effect.ignore(container.destroy).pipe(
      Effect.zipRight(container.gone),
      Effect.flatMap((gone) => later(id, pool, endOf(gone, "unsealed"))),
      Effect.ignore
    )

  const found = (id: ContainerId, container: Container, owner: Owner) =>
    lived(id, owner, Effect.succeed(Outlet.beside(container, owner.outlet)), false, () => Effect.void).pipe(
      // Its end may have been told already: it is not told twice.
      Effect.tapErrorCause((cause) =>
        Cause.isInterruptedOnly(cause) ? Effect.void : Effect.interruptible(discard(id, container, owner.pool))
      )
    )

  return { born, found, discard } satisfies Lives
})
