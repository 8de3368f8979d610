/** The actor of one job: its state machine on its stream. What the job does in the world is its worker's (Work). */
import { Effect } from "effect"
import { stream } from "../../events/Envelope.js"
import type { JobId } from "../../events/Ids.js"
import { type JobEvent, read } from "../../events/Job.js"
import * as Actor from "../../src/kernel/Actor.js"
import * as Waking from "../Waking.js"
import * as Job from "./Job.js"

export type JobActor = Actor.Actor<Job.State, Job.Command, Job.Rejected>

const sleeper = (job: JobId): Waking.Sleeper<Job.State, Job.Command, JobEvent, Job.Rejected> => ({
  stream: stream("job", job),
  by: "jobs",
  capacity: 8,
  initial: Job.initial,
  decide: Job.decide,
  evolve: Job.evolve,
  read,
  react: () => Effect.void
})

/** Of a job that is yet to be accepted. */
export const make = (job: JobId) => Actor.make({ ...sleeper(job), done: Job.done, born: true })

/** Of a job whose actor does not run any more. */
export const wake = (job: JobId, command: Job.Command) => Waking.wake(sleeper(job), command)
