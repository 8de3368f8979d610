/** The actor of one container: its state machine on its stream. The container itself is a ContainerProcess. */
import { Effect } from "effect"
import { type ContainerEvent, read } from "../../events/Container.js"
import { stream } from "../../events/Envelope.js"
import type { ContainerId, PoolId } from "../../events/Ids.js"
import type * as Actor from "../../src/kernel/Actor.js"
import * as Life from "./Container.js"

export type ContainerActor = Actor.Actor<Life.State, Life.Command, Life.Rejected>

/** `born`: its stream does not exist yet. */
export const definition = (
  id: ContainerId,
  pool: PoolId,
  born: boolean
): Actor.Definition<Life.State, Life.Command, ContainerEvent, Life.Rejected> => ({
  stream: stream("container", id),
  by: `pools/${pool}`,
  capacity: 8,
  initial: Life.initial,
  decide: Life.decide,
  evolve: Life.evolve,
  read,
  react: () => Effect.void,
  done: Life.done,
  born
})
