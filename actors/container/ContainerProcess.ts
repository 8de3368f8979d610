/** A container as a process of ours: created, sealed, offered to its pool, watched; its end told to the log. */
import { createHash } from "node:crypto"
import { Effect, Schedule } from "effect"
import type { Ending, Limits } from "../../events/Container.js"
import { type ContainerId, Digest, type PoolId } from "../../events/Ids.js"
import { containerSealed, type Sealed } from "../../src/guards/ContainerSealed.js"
import { enforce, type Permit } from "../../src/guards/Guard.js"
import type { Children } from "../../src/kernel/Children.js"
import { type Container, type Gone, type Seal, Substrate } from "../../src/substrate/Substrate.js"
import * as Monotonic from "../pool/Monotonic.js"
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

const birthOf = (container: ContainerId, { limits, pool }: Owner, seal: Seal, spawnMillis: number): Life.Birth => ({
  container,
  pool,
  limits,
  seal: digestOf(seal),
  hostPid: whole(seal, "pid"),
  hostUid: whole(seal, "uid"),
  cgroup: seal.get("cgroup") ?? "",
  spawnMicros: Math.round(spawnMillis * 1000)
})

const endings = { "timed-out": "ttl", oom: "oom", died: "died", shutdown: "shutdown", lost: "node-lost" } as const

const endingOf = (gone: Gone, asked: Ending): Ending => (gone.reason === "asked" ? asked : endings[gone.reason])

/** The log may be full for a while: the end of a container is told as soon as it can be. */
const untilWritten = Schedule.spaced("500 millis")

/** What was not sealed as far as the log knows has no end to tell. */
const tellEnd = (live: Live, pool: PoolId) =>
  Effect.gen(function* () {
    const gone = yield* Effect.catchTag(live.container.destroy, "SubstrateLost", () => live.container.gone)
    const { cpuMicros, left, peakBytes } = gone
    const end = Life.Command.End({ remains: { ending: endingOf(gone, live.asked), cpuMicros, peakBytes, left } })
    const later = Effect.retry(ContainerActor.wake(live.id, pool, end), untilWritten)
    yield* Effect.catchAll(live.actor.ask(end), () =>
      // Once it is told to stop itself, what cannot be written now is the next start's to settle.
      Effect.zipRight(live.actor.stop, Effect.interruptible(Effect.delay(later, "500 millis")))
    )
  }).pipe(Effect.ignore)

/** Its actor runs beside it, and is stopped with it. */
const actorOf = (id: ContainerId, { actors, pool }: Owner) =>
  Effect.gen(function* () {
    const actor = yield* ContainerActor.make(id, pool)
    yield* Effect.addFinalizer(() => actor.stop)
    if (yield* actors.start(id, actor.run, actor.stop)) return actor
    return yield* Effect.dieMessage(`no room for the actor of ${id}`)
  })

/**
 * Runs until the container is gone and its end is told; interrupting it destroys the container. Fails when it could not
 * be created, sealed or recorded: then nothing of it is left, and the log has the refusal.
 */
export const make = (id: ContainerId, owner: Owner) =>
  Effect.gen(function* () {
    const { limits, pool, weak } = owner
    const substrate = yield* Substrate
    const from = yield* Monotonic.millis
    const container = yield* Effect.acquireRelease(substrate.create(id, limits), ({ destroy }) =>
      Effect.ignore(destroy)
    )
    const { seal } = container
    const judged = containerSealed.decide({ container: id, seal, limits, weak })
    const sealed = yield* enforce(judged, { principal: `pools/${pool}`, action: `seal ${id}` })
    const actor = yield* actorOf(id, owner)
    const live: Live = { id, container, actor, sealed, asked: "shutdown" }
    yield* Effect.addFinalizer(() => tellEnd(live, pool))
    const birth = birthOf(id, owner, seal, (yield* Monotonic.millis) - from)
    yield* actor.ask(Life.Command.Seal({ birth, sealed }))
    yield* Effect.acquireUseRelease(
      owner.sealed(live),
      () => container.gone,
      () => owner.gone(live)
    )
  }).pipe(Effect.scoped)
