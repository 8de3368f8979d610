/** The actor of one job: its state machine on its stream. What the job does in the world is its worker's (Work). */
import { Effect } from "effect"
import { stream } from "../../events/Envelope.js"
import type { JobId } from "../../events/Ids.js"
import { read } from "../../events/Job.js"
import * as Actor from "../../src/kernel/Actor.js"
import * as Job from "./Job.js"

export type JobActor = Actor.Actor<Job.State, Job.Command, Job.Rejected>

/** `born`: its stream does not exist yet. */
export const make = (job: JobId, born: boolean) =>
  Actor.make({
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
