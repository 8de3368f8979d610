/** A container as a process of ours: created, sealed, offered to its pool, watched; its end told to the log. */
import { createHash } from "node:crypto"
import { Effect, Either, Schedule } from "effect"
import type { Ending, Limits } from "../../events/Container.js"
import { type ContainerId, Digest, type PoolId } from "../../events/Ids.js"
import { containerSealed, type Sealed } from "../../src/guards/ContainerSealed.js"
import type { Permit, Refused } from "../../src/guards/Guard.js"
import { Refusals } from "../../src/guards/Refusals.js"
import * as Actor from "../../src/kernel/Actor.js"
import type { Children } from "../../src/kernel/Children.js"
import { EventLog } from "../../src/log/EventLog.js"
import { type Container, type Gone, type Seal, Substrate } from "../../src/substrate/Substrate.js"
import * as Monotonic from "../Monotonic.js"
import * as Waking from "../Waking.js"
import * as Life from "./Container.js"
import * as ContainerActor from "./ContainerActor.js"

/** A sealed container, in its pool's hands or in a claimer's. */
export interface Live {
  readonly id: ContainerId
  readonly container: Container
  readonly actor: ContainerActor.ContainerActor
  readonly sealed: Permit<"D23", Sealed>
  /** Why its owner asked for its end; what the kernel did on its own account outranks it. */
  asked: Ending
}

export interface Owner {
  readonly pool: PoolId
  readonly limits: Limits
  /** Weaknesses of this host that the operator accepted. */
  readonly weak: ReadonlyArray<string>
  /** Runs the actors of the pool's containers. */
  readonly actors: Children
  readonly sealed: (live: Live) => Effect.Effect<void>
  /** Run once for each `sealed`, as soon as it is of no use: it is gone, or it is going to be. */
  readonly gone: (live: Live) => Effect.Effect<void>
}

const whole = (seal: Seal, key: string): number => {
  const value = Number.parseInt(seal.get(key) ?? "", 10)
  return Number.isSafeInteger(value) && value >= 0 ? value : 0
}

const digestOf = (seal: Seal): Digest => {
  const hash = createHash("sha256")
  for (const [key, value] of seal) hash.update(`${key}=${value}\n`)
  return Digest.make(`sha256:${hash.digest("hex")}`)
}

const birthOf = ({ container, id }: Live, { limits, pool }: Owner, spawnMillis: number): Life.Birth => ({
  container: id,
  pool,
  limits,
  seal: digestOf(container.seal),
  hostPid: whole(container.seal, "pid"),
  hostUid: whole(container.seal, "uid"),
  cgroup: container.seal.get("cgroup") ?? "",
  spawnMicros: Math.round(spawnMillis * 1000)
})

const endings = { "timed-out": "ttl", oom: "oom", died: "died", shutdown: "shutdown", lost: "node-lost" } as const

const endOf = ({ cpuMicros, left, peakBytes, reason }: Gone, asked: Ending) =>
  Life.Command.End({ remains: { ending: reason === "asked" ? asked : endings[reason], cpuMicros, peakBytes, left } })

/** The log may be full for a while: the end of a container is told as soon as it can be. */
const untilWritten = Schedule.spaced("500 millis")

/**
 * Yields the life of a container: it runs until the container is gone and its end is told; interrupting it destroys the
 * container. It fails when that could not be created, sealed or recorded: then nothing of it is left.
 */
export const make = Effect.gen(function* () {
  const substrate = yield* Substrate
  const refusals = yield* Refusals
  const log = yield* EventLog

  const tellEnd = (live: Live, pool: PoolId) =>
    Effect.gen(function* () {
      const end = endOf(
        yield* Effect.catchTag(live.container.destroy, "SubstrateLost", () => live.container.gone),
        live.asked
      )
      const wake = Waking.wake(log, ContainerActor.definition(live.id, pool, false), end)
      const later = Effect.retry(wake, untilWritten)
      // Once this process is told to stop, what cannot be written is the next start's to settle.
      yield* Effect.catchAll(live.actor.ask(end), () => Effect.zipRight(live.actor.stop, Effect.interruptible(later)))
    }).pipe(Effect.ignore, Effect.zipRight(live.actor.stop))

  /** As far as the log knows. What was never sealed has no end to tell, and the actor says so. */
  const recorded = (live: Live, owner: Owner, spawnMillis: number) => {
    const { actor, container, id, sealed } = live
    const seal = Effect.suspend(() =>
      actor.ask(Life.Command.Seal({ birth: birthOf(live, owner, spawnMillis), sealed }))
    )
    const offered = Effect.acquireUseRelease(
      Effect.suspend(() => owner.sealed(live)),
      () => container.gone,
      () => owner.gone(live)
    )
    return Effect.acquireUseRelease(
      owner.actors.start(id, actor.run, actor.stop),
      (begun) =>
        begun ? Effect.zipRight(seal, offered) : Effect.dieMessage(`there is no room for the actor of ${id}`),
      (begun) => (begun ? tellEnd(live, owner.pool) : Effect.void)
    )
  }

  const judged = (
    id: ContainerId,
    container: Container,
    owner: Owner,
    from: number
  ): Effect.Effect<unknown, Refused | Actor.Declined<Life.Rejected>> => {
    const { limits, pool, weak } = owner
    const permit = containerSealed.decide({ container: id, seal: container.seal, limits, weak })
    if (Either.isLeft(permit)) {
      const asked = { principal: `pools/${pool}`, action: `seal ${id}` }
      return Effect.zipRight(refusals.note(permit.left, asked), permit.left)
    }
    const actor = Actor.on(log, ContainerActor.definition(id, pool, true))
    const live: Live = { id, container, actor, sealed: permit.right, asked: "shutdown" }
    return Effect.flatMap(Monotonic.millis, (now) => recorded(live, owner, now - from))
  }

  return (id: ContainerId, owner: Owner) =>
    Effect.flatMap(Monotonic.millis, (from) =>
      Effect.acquireUseRelease(
        substrate.create(id, owner.limits),
        (container) => judged(id, container, owner, from),
        ({ destroy }) => Effect.ignore(destroy)
      )
    ).pipe(Effect.asVoid)
})
