/** The actor of one container: its state machine on its stream. The container itself is a ContainerProcess. */
import { Effect } from "effect"
import { type ContainerEvent, read } from "../../events/Container.js"
import { stream } from "../../events/Envelope.js"
import type { ContainerId, PoolId } from "../../events/Ids.js"
import * as Actor from "../../src/kernel/Actor.js"
import * as Waking from "../Waking.js"
import * as Life from "./Container.js"

export type ContainerActor = Actor.Actor<Life.State, Life.Command, Life.Rejected>

const sleeper = (
  id: ContainerId,
  pool: PoolId
): Waking.Sleeper<Life.State, Life.Command, ContainerEvent, Life.Rejected> => ({
  stream: stream("container", id),
  by: `pools/${pool}`,
  capacity: 8,
  initial: Life.initial,
  decide: Life.decide,
  evolve: Life.evolve,
  read,
  react: () => Effect.void
})

/** Of a container that is yet to be sealed. */
export const make = (id: ContainerId, pool: PoolId) =>
  Actor.make({ ...sleeper(id, pool), done: Life.done, born: true })

/** Of a container whose actor does not run any more. */
export const wake = (id: ContainerId, pool: PoolId, command: Life.Command) => Waking.wake(sleeper(id, pool), command)
