/**
 * A job's life: accepted, started in a container of its own, finished for one typed reason.
 *
 *   Absent ──Accept──▶ Pending ──Start──▶ Running
 *                         └──Finish, Cancel──┴──▶ Ended
 *
 * Ending is legal from every state; what has ended stays as it ended.
 */
import { Data, Either } from "effect"
import type { ContainerId, JobId, PublicKey } from "../../events/Ids.js"
import type { JobAccepted, JobEvent, JobFinished } from "../../events/Job.js"
import type { Permit } from "../../src/guards/Guard.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"

export type State = Data.TaggedEnum<{
  Absent: {}
  Pending: { readonly job: JobId; readonly owner: PublicKey }
  Running: { readonly job: JobId; readonly owner: PublicKey; readonly container: ContainerId }
  Ended: { readonly finished: JobFinished }
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Absent()

/** How it went, without the job's name: that comes from the state. */
export type Ending = Omit<JobFinished, "_tag" | "job">

export type Command = Data.TaggedEnum<{
  Accept: { readonly accepted: Omit<JobAccepted, "_tag"> }
  Start: { readonly container: ContainerId }
  Finish: { readonly ending: Ending }
  Cancel: { readonly owned: Permit<"D17", Ownership<"job">>; readonly ending: Ending }
}>
export const Command = Data.taggedEnum<Command>()

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"]
}> {}

type Decision = Either.Either<ReadonlyArray<JobEvent>, Rejected>

const finish = (job: JobId, ending: Ending): Decision => Either.right([{ _tag: "JobFinished", job, ...ending }])

export const decide = (state: State, command: Command): Decision => {
  const reject = () => Either.left(new Rejected({ command: command._tag, in: state._tag }))
  switch (command._tag) {
    case "Accept":
      return state._tag === "Absent" ? Either.right([{ _tag: "JobAccepted", ...command.accepted }]) : reject()
    case "Start":
      if (state._tag !== "Pending") return reject()
      return Either.right([{ _tag: "JobStarted", job: state.job, container: command.container }])
    case "Finish":
      if (state._tag === "Ended") return Either.right([])
      return state._tag === "Absent" ? reject() : finish(state.job, command.ending)
    case "Cancel": {
      if (state._tag === "Ended") return Either.right([])
      const { actor, resource } = command.owned.facts
      // The permit was true when it was issued; the state is true now.
      if (state._tag === "Absent" || state.owner !== actor || state.job !== resource) return reject()
      return finish(state.job, command.ending)
    }
  }
}

export const evolve = (state: State, event: JobEvent): State => {
  switch (event._tag) {
    case "JobAccepted":
      return State.Pending({ job: event.job, owner: event.owner })
    case "JobStarted":
      return state._tag === "Pending" ? State.Running({ ...state, container: event.container }) : state
    case "JobFinished":
      return State.Ended({ finished: event })
  }
}

export const done = (state: State): boolean => state._tag === "Ended"
