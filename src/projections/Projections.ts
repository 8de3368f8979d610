/** All tables that this process keeps of its history: their folds for the log, their readers for HTTP and recovery. */
import { Effect, Layer } from "effect"
import type { Projector } from "../log/Projector.js"
import { Tables } from "../log/Tables.js"
import * as ContainerTable from "./ContainerTable.js"
import * as JobProjector from "./JobProjector.js"
import * as JobTable from "./JobTable.js"
import * as KeyTable from "./KeyTable.js"
import * as Totals from "./Totals.js"

export type Readers = JobTable.JobTable | KeyTable.KeyTable | ContainerTable.ContainerTable | Totals.Totals

export interface Projections {
  /** For the log's `Projectors`. */
  readonly projectors: ReadonlyArray<Projector>
  readonly layer: Layer.Layer<Readers, never, Tables>
}

/** One for each log: its folds tell its readers what changed. */
export const make = (): Projections => {
  const keys = KeyTable.make()
  return {
    projectors: [JobProjector.projector, keys.projector, ContainerTable.projector, Totals.projector],
    layer: Layer.mergeAll(
      Layer.effect(JobTable.JobTable, Effect.map(Tables, JobTable.read)),
      Layer.effect(KeyTable.KeyTable, Effect.map(Tables, keys.read)),
      Layer.effect(ContainerTable.ContainerTable, Effect.map(Tables, ContainerTable.read)),
      Layer.effect(Totals.Totals, Effect.map(Tables, Totals.read))
    )
  }
}
