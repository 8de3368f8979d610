/** What happened to the control plane itself, and what it forgot. */
import { Schema } from "effect"
import { Micros } from "./Ids.js"
import { define, type Upcaster } from "./Versioned.js"

const Started = Schema.TaggedStruct("NodeStarted", {
  version: Schema.String,
  pid: Schema.Int,
  /** The spawner's facts about this host, as it reported them. */
  substrate: Schema.String
})
const WeaknessAccepted = Schema.TaggedStruct("WeaknessAccepted", { weakness: Schema.String })
const Recovered = Schema.TaggedStruct("NodeRecovered", {
  jobsEnded: Schema.NonNegativeInt,
  containersEnded: Schema.NonNegativeInt,
  /** Still running, for their sessions and services to adopt. */
  containersKept: Schema.NonNegativeInt
})
/** Version 1: no container outlived its control plane. */
const keptNone: Upcaster = (old) => ({ ...old, containersKept: 0 })
const Stopped = Schema.TaggedStruct("NodeStopped", { reason: Schema.String })

/** The tables forget; the log keeps everything. Both only mean what stood in the tables before this row. */
const JobsForgotten = Schema.TaggedStruct("JobsForgotten", {
  /** Those accepted up to this row of the log … */
  through: Schema.NonNegativeInt,
  /** … that had ended before then. */
  endedBefore: Micros
})
const ReservationsForgotten = Schema.TaggedStruct("ReservationsForgotten", {
  /** Of Idempotency-Keys, by jobs accepted up to this row of the log … */
  through: Schema.NonNegativeInt,
  /** … and before then. */
  madeBefore: Micros
})

/** What is sealed needs no older root key any more, and this store has none. The first generation is not told. */
const RootRotated = Schema.TaggedStruct("VaultRootRotated", { generation: Schema.Int.pipe(Schema.greaterThan(1)) })

export const NodeEvent = Schema.Union(
  Started,
  WeaknessAccepted,
  Recovered,
  Stopped,
  JobsForgotten,
  ReservationsForgotten,
  RootRotated
)
export type NodeEvent = typeof NodeEvent.Type

export const all = [
  define("NodeStarted", Started),
  define("WeaknessAccepted", WeaknessAccepted),
  define("NodeRecovered", Recovered, keptNone),
  define("NodeStopped", Stopped),
  define("JobsForgotten", JobsForgotten),
  define("ReservationsForgotten", ReservationsForgotten),
  define("VaultRootRotated", RootRotated)
]
