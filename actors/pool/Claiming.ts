/** How a container becomes one claimer's own: taken in turn, sealed with its limits, claimed durably, and given up once used. */
import { Effect, Either, Exit } from "effect"
import type { Ending, Limits } from "../../events/Container.js"
import type { PoolId } from "../../events/Ids.js"
import { containerSealed } from "../../src/guards/ContainerSealed.js"
import { enforce, type Refused } from "../../src/guards/Guard.js"
import { logDurable } from "../../src/guards/LogDurable.js"
import { Refusals } from "../../src/guards/Refusals.js"
import * as Life from "../container/Container.js"
import type { Live } from "../container/ContainerProcess.js"
import * as Monotonic from "../Monotonic.js"
import { type Failure, why } from "../Why.js"
import type { Latencies } from "./Latencies.js"
import type { Line } from "./Line.js"
import { type Claim, type Claimed, ContainerLost } from "./Pools.js"
import type { Room } from "./Room.js"
import type { Shelf } from "./Shelf.js"

export interface Options {
  readonly pool: PoolId
  /** With these a container is spawned. */
  readonly limits: Limits
  /** Weaknesses of this host that the operator accepted. */
  readonly weak: ReadonlyArray<string>
  /** What a claim with these limits is promised of the pool's memory. */
  readonly promise: (limits: Limits) => number
}

interface Parts {
  readonly room: Room
  readonly shelf: Shelf
  readonly line: Line
  readonly latencies: Latencies
  /** Starts what the shelf lacks. */
  readonly backfill: Effect.Effect<void>
}

const same = (a: Limits, b: Limits) =>
  a.memoryBytes === b.memoryBytes && a.cpuMillis === b.cpuMillis && a.pids === b.pids && a.tmpBytes === b.tmpBytes

const lost = (error: Failure) => new ContainerLost({ reason: `${error._tag}: ${why(error)}` })

const losses = {
  NotAccepted: lost,
  OutcomeUnknown: lost,
  Rejected: lost,
  SubstrateFailed: lost,
  SubstrateLost: lost
}

/** Why its owner wants it gone is known before it is. */
const end = (live: Live, why: Ending) =>
  Effect.suspend(() => {
    live.asked = why
    return Effect.ignore(live.container.destroy)
  })

const release = (live: Live, exit: Exit.Exit<unknown, unknown>) => {
  if (Exit.isInterrupted(exit)) live.asked = "cancelled"
  // Its own process waits for the proof that it is empty; the claimer need not.
  return live.container.release
}

export const make = ({ limits, pool, promise, weak }: Options, { backfill, latencies, line, room, shelf }: Parts) =>
  Effect.map(Refusals, (refusals) => {
    /** A pass costs nothing; a refusal is told before it is passed on. */
    const judged = <A>(decision: Either.Either<A, Refused>, owner: string): Effect.Effect<A, Refused> =>
      Either.isRight(decision)
        ? Effect.succeed(decision.right)
        : Effect.provideService(enforce(decision, { principal: owner, action: `claim ${pool}` }), Refusals, refusals)

    const take = (owner: string, askedBytes: number, since: number) =>
      Effect.suspend(() => {
        const live = shelf.take(askedBytes)
        // Its replacement starts before it is used.
        if (live !== undefined) return Effect.as(backfill, live)
        const { waiting } = shelf.counts()
        return judged(room({ askedBytes, waiting }), owner).pipe(
          Effect.zipRight(backfill),
          Effect.zipRight(line.wait(owner, askedBytes, since))
        )
      })

    const sealedWith = (live: Live, wanted: Limits, owner: string) =>
      same(limits, wanted)
        ? Effect.succeed(live.sealed)
        : Effect.flatMap(live.container.limit(wanted), (seal) =>
            judged(containerSealed.decide({ container: live.id, seal, limits: wanted, weak }), owner)
          )

    const recorded = (live: Live, { job, limits: wanted, owner }: Claim, since: number) =>
      Effect.gen(function* () {
        live.asked = "finished"
        const sealed = yield* sealedWith(live, wanted, owner)
        const claim = Life.Command.Claim({ job, owner, limits: wanted, sealed })
        const { rows } = yield* live.actor.commit(claim, { by: owner })
        const durable = yield* judged(logDurable.decide({ stream: `container/${live.id}`, rows }), owner)
        latencies.record((yield* Monotonic.millis) - since)
        const { container, id } = live
        const at = rows[0]?.at ?? 0
        return { id, container, sealed, durable, at, cancel: end(live, "cancelled") } satisfies Claimed
      }).pipe(Effect.catchTags(losses))

    return <A, E, R>(claim: Claim, body: (claimed: Claimed) => Effect.Effect<A, E, R>) =>
      Effect.flatMap(Monotonic.millis, (since) =>
        Effect.acquireUseRelease(
          take(claim.owner, promise(claim.limits), since),
          (live) => Effect.flatMap(recorded(live, claim, since), body),
          release
        )
      )
  })
