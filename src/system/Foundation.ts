/** What everything else stands on: the data directory, its projections, the host's containers and toolchains. */
import { join } from "node:path"
import { Layer } from "effect"
import * as ConfirmationsLive from "../../actors/confirmation/ConfirmationsLive.js"
import * as ContactsLive from "../../actors/confirmation/ContactsLive.js"
import * as RefusalRecorder from "../../actors/decision/RefusalRecorder.js"
import * as EgressPoliciesLive from "../../actors/egress/EgressPoliciesLive.js"
import * as SubstitutesLive from "../../actors/egress/SubstitutesLive.js"
import * as KeysLive from "../../actors/key/KeysLive.js"
import * as RatesLive from "../../actors/key/RatesLive.js"
import * as SlotsLive from "../../actors/key/SlotsLive.js"
import * as VaultRootLive from "../../actors/node/VaultRootLive.js"
import * as Output from "../cli/Output.js"
import type { Settings } from "../cli/Settings.js"
import * as Tree from "../kernel/Tree.js"
import * as Witness from "../kernel/Witness.js"
import { Toolchains } from "../languages/Toolchains.js"
import { Projectors } from "../log/Projector.js"
import * as Projections from "../projections/Projections.js"
import * as Authority from "../store/certificates/Authority.js"
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

/** Who confirms, and where the codes go. */
const people = ({ data, domain, otpWebhook, otpWebhookSecret, smtpFrom, smtpUrl }: Settings) => {
  const secretFile = otpWebhookSecret ?? join(data, "otp-webhook.secret")
  const mail = smtpUrl === null ? null : { url: smtpUrl, from: smtpFrom ?? `unsandbox@${domain}` }
  const ways = { print: Output.note, mail, webhook: { url: otpWebhook, secretFile } }
  return Layer.merge(ConfirmationsLive.layer(ways), ContactsLive.layer({ secretFile }))
}

export const layer = (settings: Settings) => {
  const { acceptWeak, data, egressClosedPorts: closedPorts } = settings
  const host = Layer.mergeAll(Tree.layer, Witness.layer, Toolchains.layer, LocalSubstrate.layer({ data, acceptWeak }))
  const egress = Layer.mergeAll(EgressPoliciesLive.layer({ closedPorts }), SubstitutesLive.layer, Authority.layer)
  const limits = Layer.provideMerge(Layer.merge(RatesLive.layer, SlotsLive.layer), RefusalRecorder.layer)
  return Layer.mergeAll(KeysLive.layer(settings), people(settings), VaultRootLive.layer, egress, limits, host).pipe(
    Layer.provideMerge(stored(settings))
  )
}

/** Keys straight from the store, for when no server runs: the store's lock refuses when one does. */
export const keys = (settings: Settings) => Layer.provide(KeysLive.layer(settings), stored(settings))

/** The root key, likewise. */
export const vault = (settings: Settings) => Layer.provide(VaultRootLive.layer, stored(settings))
