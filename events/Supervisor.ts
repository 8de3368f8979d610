/** What a supervisor did for its children. Starts of the many (jobs, containers) are told by their own streams. */
import { Schema } from "effect"
import { define, reader } from "./Versioned.js"

const Path = { path: Schema.String }

const Started = Schema.TaggedStruct("ChildStarted", { ...Path })
const Crashed = Schema.TaggedStruct("ChildCrashed", { ...Path, reason: Schema.String })
const Restarted = Schema.TaggedStruct("ChildRestarted", { ...Path, restarts: Schema.NonNegativeInt })
const Stopped = Schema.TaggedStruct("ChildStopped", { ...Path })
const GaveUp = Schema.TaggedStruct("SupervisorGaveUp", {
  ...Path,
  child: Schema.String,
  restarts: Schema.NonNegativeInt,
  reason: Schema.String
})

export const SupervisorEvent = Schema.Union(Started, Crashed, Restarted, Stopped, GaveUp)
export type SupervisorEvent = typeof SupervisorEvent.Type

export const all = [
  define("ChildStarted", Started),
  define("ChildCrashed", Crashed),
  define("ChildRestarted", Restarted),
  define("ChildStopped", Stopped),
  define("SupervisorGaveUp", GaveUp)
]
export const read = reader<SupervisorEvent>(...all)
