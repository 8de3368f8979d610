/** How a container becomes one claimer's own: taken in turn, sealed with its limits, and claimed durably. */
import { Effect } from "effect"
import type { Limits } from "../../events/Container.js"
import { logDurable } from "../../src/guards/LogDurable.js"
import * as Life from "../container/Container.js"
import type { Live } from "../container/ContainerProcess.js"
import * as Monotonic from "../Monotonic.js"
import type { Latencies } from "./Latencies.js"
import type { Line } from "./Line.js"
import { lost, type Owning } from "./Owning.js"
import type { Claim, Claimed } from "./Pools.js"
import type { Room } from "./Room.js"
import type { Shelf } from "./Shelf.js"

interface Options {
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

const losses = {
  NotAccepted: lost,
  OutcomeUnknown: lost,
  Rejected: lost,
  SubstrateFailed: lost,
  SubstrateLost: lost
}

export const make = ({ promise }: Options, owning: Owning, { backfill, latencies, line, room, shelf }: Parts) => {
  const { claimed, judged, release, sealedWith } = owning

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

  const recorded = (live: Live, { claimant, limits, owner }: Claim, since: number) =>
    Effect.gen(function* () {
      live.asked = "finished"
      const sealed = yield* sealedWith(live, limits, owner)
      const claim = Life.Command.Claim({ claimant, owner, limits, sealed })
      const { rows } = yield* live.actor.commit(claim, { by: owner })
      const durable = yield* judged(logDurable.decide({ stream: `container/${live.id}`, rows }), owner)
      latencies.record((yield* Monotonic.millis) - since)
      return claimed(live, owner, { sealed, durable, at: rows[0]?.at ?? 0 })
    }).pipe(Effect.catchTags(losses))

  return <A, E, R>(claim: Claim, body: (claimed: Claimed) => Effect.Effect<A, E, R>) =>
    Effect.flatMap(Monotonic.millis, (since) =>
      Effect.acquireUseRelease(
        take(claim.owner, promise(claim.limits), since),
        (live) => Effect.flatMap(recorded(live, claim, since), body),
        release
      )
    )
}
