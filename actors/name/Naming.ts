/** Names as actors: each is claimed and released on a stream of its own, so that of many who want one, one gets it. */
import { Effect } from "effect"
import { stream } from "../../events/Envelope.js"
import type { PublicKey, ServiceId } from "../../events/Ids.js"
import { read } from "../../events/Name.js"
import type { Refused } from "../../src/guards/Guard.js"
import { nameClaimable } from "../../src/guards/NameClaimable.js"
import { EventLog, type LogUnavailable } from "../../src/log/EventLog.js"
import * as Waking from "../Waking.js"
import * as Name from "./Name.js"

interface Claimant {
  readonly service: ServiceId
  readonly owner: PublicKey
}

interface Naming {
  /** Resolves once it is this service's, durably; claiming it again is fine. */
  readonly claim: (name: string, by: Claimant) => Effect.Effect<void, Refused | LogUnavailable>
  /** Resolves once it is free; releasing what another has changes nothing. */
  readonly release: (name: string, service: ServiceId) => Effect.Effect<void, LogUnavailable>
}

const definition = (name: string) => ({
  stream: stream("name", name),
  by: "services",
  capacity: 1,
  initial: Name.initial,
  decide: Name.decide,
  evolve: Name.evolve,
  read,
  react: () => Effect.void
})

export const make = Effect.map(EventLog, (log): Naming => {
  const answers = { NotAccepted: Waking.unanswered, OutcomeUnknown: Waking.unanswered }
  return {
    claim: (name, { owner, service }) =>
      Waking.wake(log, definition(name), Name.Command.Claim({ name, service, owner }), { by: owner }).pipe(
        Effect.asVoid,
        Effect.catchTags({ ...answers, Rejected: () => nameClaimable.lost(name) })
      ),
    release: (name, service) =>
      Waking.wake(log, definition(name), Name.Command.Release({ service })).pipe(
        Effect.asVoid,
        // Releasing is never rejected: what is another's stays so.
        Effect.catchTags({ ...answers, Rejected: () => Effect.void })
      )
  }
})
