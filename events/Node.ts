/** What happened to the control plane itself. */
import { Schema } from "effect"
import { define, reader } from "./Versioned.js"

const Started = Schema.TaggedStruct("NodeStarted", {
  version: Schema.String,
  pid: Schema.Int,
  /** The spawner's facts about this host, as it reported them. */
  substrate: Schema.String
})
const WeaknessAccepted = Schema.TaggedStruct("WeaknessAccepted", { weakness: Schema.String })
const Recovered = Schema.TaggedStruct("NodeRecovered", {
  jobsEnded: Schema.NonNegativeInt,
  containersEnded: Schema.NonNegativeInt
})
const Stopped = Schema.TaggedStruct("NodeStopped", { reason: Schema.String })

export const NodeEvent = Schema.Union(Started, WeaknessAccepted, Recovered, Stopped)
export type NodeEvent = typeof NodeEvent.Type

export const all = [
  define("NodeStarted", Started),
  define("WeaknessAccepted", WeaknessAccepted),
  define("NodeRecovered", Recovered),
  define("NodeStopped", Stopped)
]
export const read = reader<NodeEvent>(...all)
