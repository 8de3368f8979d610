/** All tables that this process keeps of its history: their folds for the log, their readers for HTTP and recovery. */
import { Effect, Layer } from "effect"
import type { Projector } from "../log/Projector.js"
import { Tables } from "../log/Tables.js"
import * as ConfirmationTable from "./ConfirmationTable.js"
import * as ContainerTable from "./ContainerTable.js"
import * as EgressTable from "./EgressTable.js"
import * as ImageTable from "./ImageTable.js"
import * as JobProjector from "./JobProjector.js"
import * as JobRetention from "./JobRetention.js"
import * as JobTable from "./JobTable.js"
import * as KeptTable from "./KeptTable.js"
import * as KeyTable from "./KeyTable.js"
import * as LogLines from "./LogLines.js"
import * as ServiceTable from "./ServiceTable.js"
import * as SessionProjector from "./SessionProjector.js"
import * as SessionTable from "./SessionTable.js"
import * as SnapshotTable from "./SnapshotTable.js"
import * as Totals from "./Totals.js"

type Readers =
  | ConfirmationTable.ConfirmationTable
  | EgressTable.EgressTable
  | ImageTable.ImageTable
  | JobRetention.JobRetention
  | JobTable.JobTable
  | KeptTable.KeptTable
  | KeyTable.KeyTable
  | LogLines.LogLines
  | ContainerTable.ContainerTable
  | ServiceTable.ServiceTable
  | SessionTable.SessionTable
  | SnapshotTable.SnapshotTable
  | Totals.Totals

interface Projections {
  /** For the log's `Projectors`. */
  readonly projectors: ReadonlyArray<Projector>
  readonly layer: Layer.Layer<Readers, never, Tables>
}

/** One for each log: its folds tell its readers what changed. */
export const make = (): Projections => {
  const keys = KeyTable.make()
  const lines = LogLines.make()
  const egress = EgressTable.make()
  const services = ServiceTable.make()
  return {
    projectors: [
      JobProjector.projector,
      keys.projector,
      egress.projector,
      ConfirmationTable.projector,
      ContainerTable.projector,
      services.projector,
      SessionProjector.projector,
      SnapshotTable.projector,
      ImageTable.projector,
      Totals.projector,
      lines.projector
    ],
    layer: Layer.mergeAll(
      Layer.effect(JobRetention.JobRetention, Effect.map(Tables, JobRetention.read)),
      Layer.effect(JobTable.JobTable, Effect.map(Tables, JobTable.read)),
      Layer.effect(KeptTable.KeptTable, Effect.map(Tables, KeptTable.read)),
      Layer.effect(KeyTable.KeyTable, Effect.map(Tables, keys.read)),
      Layer.effect(LogLines.LogLines, Effect.map(Tables, lines.read)),
      Layer.effect(EgressTable.EgressTable, Effect.map(Tables, egress.read)),
      Layer.effect(ConfirmationTable.ConfirmationTable, Effect.map(Tables, ConfirmationTable.read)),
      Layer.effect(ContainerTable.ContainerTable, Effect.map(Tables, ContainerTable.read)),
      Layer.effect(ServiceTable.ServiceTable, Effect.map(Tables, services.read)),
      Layer.effect(SessionTable.SessionTable, Effect.map(Tables, SessionTable.read)),
      Layer.effect(SnapshotTable.SnapshotTable, Effect.map(Tables, SnapshotTable.read)),
      Layer.effect(ImageTable.ImageTable, Effect.map(Tables, ImageTable.read)),
      Layer.effect(Totals.Totals, Effect.map(Tables, Totals.read))
    )
  }
}
