/** The actor of one job: its state machine on its stream. What the job does in the world is its worker's (Working). */
import { Effect } from "effect"
import { stream } from "../../events/Envelope.js"
import type { JobId } from "../../events/Ids.js"
import { type JobEvent, read } from "../../events/Job.js"
import type * as Actor from "../../src/kernel/Actor.js"
import * as Job from "./Job.js"

export type JobActor = Actor.Actor<Job.State, Job.Command, Job.Rejected>

/** `born`: its stream does not exist yet. */
export const definition = (
  job: JobId,
  born: boolean
): Actor.Definition<Job.State, Job.Command, JobEvent, Job.Rejected> => ({
  stream: stream("job", job),
  by: "jobs",
  capacity: 8,
  initial: Job.initial,
  decide: Job.decide,
  evolve: Job.evolve,
  read,
  react: () => Effect.void,
  done: Job.done,
  born
})
