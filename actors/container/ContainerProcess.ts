/** A container as a process of ours: created, sealed, offered to its pool, watched; its end told to the log. */
import { createHash } from "node:crypto"
import { Clock, Effect, Either, Schedule } from "effect"
import { type Ending, type Limits, read } from "../../events/Container.js"
import { stream } from "../../events/Envelope.js"
import { type ContainerId, Digest, type PoolId } from "../../events/Ids.js"
import { containerSealed, type Sealed } from "../../src/guards/ContainerSealed.js"
import type { Permit } from "../../src/guards/Guard.js"
import { Refusals } from "../../src/guards/Refusals.js"
import * as Actor from "../../src/kernel/Actor.js"
import type { Children } from "../../src/kernel/Children.js"
import { type Container, type Gone, type Seal, Substrate } from "../../src/substrate/Substrate.js"
import * as Life from "./Container.js"

/** A sealed container, in its pool's hands or in a claimer's. */
export interface Live {
  readonly id: ContainerId
  readonly container: Container
  readonly actor: Actor.Actor<Life.State, Life.Command, Life.Rejected>
  readonly limits: Limits
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
  /** Run once for each `sealed`: it is empty and gone, or lost with its spawner. */
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

const endings = { "timed-out": "ttl", oom: "oom", died: "died", shutdown: "shutdown", lost: "node-lost" } as const

const endingOf = (gone: Gone, asked: Ending): Ending => (gone.reason === "asked" ? asked : endings[gone.reason])

/** The log may be full for a while: the end of a container is told as soon as it can be. */
const untilWritten = Schedule.spaced("500 millis")

const tellEnd = (live: Live) =>
  Effect.gen(function* () {
    const gone = yield* Effect.catchTag(live.container.destroy, "SubstrateLost", () => live.container.gone)
    const { cpuMicros, left, peakBytes } = gone
    const remains = { ending: endingOf(gone, live.asked), cpuMicros, peakBytes, left }
    yield* Effect.retry(live.actor.ask(Life.Command.End({ remains })), {
      schedule: untilWritten,
      while: (error) => error._tag === "LogUnavailable" || error._tag === "OutcomeUnknown"
    })
  })

export const actorOf = (id: ContainerId, by: string, born: boolean) =>
  Actor.make({
    stream: stream("container", id),
    by,
    capacity: 8,
    initial: Life.initial,
    decide: Life.decide,
    evolve: Life.evolve,
    read,
    react: () => Effect.void,
    done: Life.done,
    born
  })

/**
 * Runs until the container is gone; interrupting it destroys the container. Fails when it could not be created or
 * sealed: then nothing of it is left, and the log has the refusal.
 */
export const make = (id: ContainerId, owner: Owner) =>
  Effect.gen(function* () {
    const substrate = yield* Substrate
    const refusals = yield* Refusals
    const by = `pools/${owner.pool}`
    const from = yield* Clock.currentTimeMillis
    const container = yield* Effect.acquireRelease(substrate.create(id, owner.limits), ({ destroy }) =>
      Effect.ignore(destroy)
    )
    const { limits, pool, weak } = owner
    const permit = containerSealed.decide({ container: id, seal: container.seal, limits, weak })
    if (Either.isLeft(permit)) {
      yield* refusals.note(permit.left, { principal: by, action: `seal ${id}` })
      return yield* permit.left
    }
    const actor = yield* actorOf(id, by, true)
    yield* Effect.addFinalizer(() => actor.stop)
    if (!(yield* owner.actors.start(id, actor.run, actor.stop))) return yield* Effect.dieMessage(`no room for the actor of ${id}`)
    const spawnMicros = ((yield* Clock.currentTimeMillis) - from) * 1000
    const birth = {
      container: id,
      pool,
      limits,
      seal: digestOf(container.seal),
      hostPid: whole(container.seal, "pid"),
      hostUid: whole(container.seal, "uid"),
      cgroup: container.seal.get("cgroup") ?? "",
      spawnMicros
    }
    yield* actor.ask(Life.Command.Seal({ birth, sealed: permit.right }))
    const live: Live = { id, container, actor, limits, sealed: permit.right, asked: "shutdown" }
    yield* Effect.acquireUseRelease(
      owner.sealed(live),
      () => container.gone,
      () => Effect.ensuring(tellEnd(live), owner.gone(live)).pipe(Effect.orDie)
    )
  }).pipe(Effect.scoped)
