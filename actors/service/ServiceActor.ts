/** The actor of one service: its state machine on its stream. What it does in the world is its keeper's (Keeping). */
import { Effect } from "effect"
import { stream } from "../../events/Envelope.js"
import type { ServiceId } from "../../events/Ids.js"
import { read, type ServiceEvent } from "../../events/Service.js"
import type * as Actor from "../../src/kernel/Actor.js"
import * as Deciding from "./Deciding.js"
import * as Folding from "./Folding.js"
import * as Service from "./Service.js"

export type ServiceActor = Actor.Actor<Service.State, Service.Command, Service.Rejected>

/** `follow` hears of every state that the service comes into. */
export const definition = (
  service: ServiceId,
  follow: (state: Service.State) => Effect.Effect<void> = () => Effect.void
): Actor.Definition<Service.State, Service.Command, ServiceEvent, Service.Rejected> => ({
  stream: stream("service", service),
  by: "services",
  capacity: 64,
  initial: Service.initial,
  decide: Deciding.decide,
  evolve: Folding.evolve,
  read,
  react: follow,
  done: (state) => state._tag === "Erased"
})
