/** How a container that a former control plane kept becomes its claimer's own again: as the log says, nothing is claimed anew. */
import { Effect, Exit } from "effect"
import type { Claimant } from "../../events/Container.js"
import { stream } from "../../events/Envelope.js"
import type { ContainerId } from "../../events/Ids.js"
import { logDurable } from "../../src/guards/LogDurable.js"
import { EventLog } from "../../src/log/EventLog.js"
import type { Live } from "../container/ContainerProcess.js"
import { lost, type Owning } from "./Owning.js"
import { type Adopted, type Claim, ContainerLost } from "./Pools.js"
import type { Stray, Strays } from "./Strays.js"

const nameOf = (claimant: Claimant): string => {
  switch (claimant._tag) {
    case "Job":
      return claimant.job
    case "Session":
      return claimant.session
    case "Service":
      return claimant.service
  }
}

const gone = (container: ContainerId) => new ContainerLost({ reason: `${container} is not there any more` })

const isOf = ({ claim }: Stray, { claimant, owner }: Claim) =>
  claim.owner === owner && claim.claimant._tag === claimant._tag && nameOf(claim.claimant) === nameOf(claimant)

export const make = ({ adjusted, claimed, judged, release }: Owning, strays: Strays) =>
  Effect.map(EventLog, (log) => {
    /** The claim, as the log has it. */
    const recorded = (container: ContainerId, owner: string) =>
      Effect.gen(function* () {
        const name = stream("container", container)
        const rows = (yield* log.read(name)).filter(({ type }) => type === "ContainerClaimed")
        return { at: rows[0]?.at ?? 0, durable: yield* judged(logDurable.decide({ stream: name, rows }), owner) }
      })

    const take = (container: ContainerId, claim: Claim) =>
      Effect.suspend(() => {
        const stray = strays.get(container)
        if (stray === undefined || !isOf(stray, claim) || !strays.take(stray)) return gone(container)
        stray.live.asked = "finished"
        return Effect.succeed(stray)
      })

    /** Who is stopped before its claimer has it leaves it for the next start; who cannot be sealed ends. */
    const sealed = (live: Live, { limits, owner }: Claim) =>
      adjusted(live, limits, owner).pipe(
        Effect.catchTags({ SubstrateFailed: lost, SubstrateLost: lost }),
        Effect.onExit((exit) =>
          Effect.sync(() => {
            live.left = Exit.isInterrupted(exit)
          })
        )
      )

    return <A, E, R>(container: ContainerId, claim: Claim, body: (adopted: Adopted) => Effect.Effect<A, E, R>) =>
      Effect.flatMap(recorded(container, claim.owner), (proof) =>
        Effect.acquireUseRelease(
          take(container, claim),
          ({ kept: { frozen, launched }, live }) =>
            Effect.flatMap(sealed(live, claim), (sealed) =>
              body({ ...claimed(live, claim.owner, { ...proof, sealed }), frozen, launched })
            ),
          ({ live }, exit) => release(live, exit)
        )
      )
  })
