/** What everything else stands on: the data directory, its projections, the host's containers and toolchains. */
import { Layer } from "effect"
import * as RefusalRecorder from "../../actors/decision/RefusalRecorder.js"
import * as EgressPoliciesLive from "../../actors/egress/EgressPoliciesLive.js"
import * as KeysLive from "../../actors/key/KeysLive.js"
import type { Settings } from "../cli/Settings.js"
import * as Tree from "../kernel/Tree.js"
import * as Witness from "../kernel/Witness.js"
import { Toolchains } from "../languages/Toolchains.js"
import { Projectors } from "../log/Projector.js"
import * as Projections from "../projections/Projections.js"
import * as Storage from "../store/Storage.js"
import * as LocalSubstrate from "../substrate/local/LocalSubstrate.js"

const stored = ({ data, diskReserveBytes, layerBytes, layerFiles, retentionMillis }: Settings) => {
  const layers = { diskReserveBytes, layerBytes, layerFiles }
  const projections = Projections.make()
  return Layer.provideMerge(
    projections.layer,
    Layer.provide(
      Storage.layer({ data, retentionMillis, ...layers }),
      Layer.succeed(Projectors, projections.projectors)
    )
  )
}

export const layer = (settings: Settings) => {
  const { acceptWeak, data, egressClosedPorts: closedPorts } = settings
  const host = Layer.mergeAll(Tree.layer, Witness.layer, Toolchains.layer, LocalSubstrate.layer({ data, acceptWeak }))
  const egress = EgressPoliciesLive.layer({ closedPorts })
  return Layer.mergeAll(KeysLive.layer, egress, RefusalRecorder.layer, host).pipe(Layer.provideMerge(stored(settings)))
}

/** Keys straight from the store, for when no server runs: the store's lock refuses when one does. */
export const keys = (settings: Settings) => Layer.provide(KeysLive.layer, stored(settings))
