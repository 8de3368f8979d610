/** From a request for a service as it came to a submission that holds its permits: D11, D08, D15, D13, D14, in this order. */
import { Effect, Option } from "effect"
import * as Minting from "../../../actors/Minting.js"
import { Pools } from "../../../actors/pool/Pools.js"
import type { Submission } from "../../../actors/service/Services.js"
import { FILE_BOUNDS, filesContained } from "../../guards/FilesContained.js"
import type { Permit, Refused } from "../../guards/Guard.js"
import { type Claimable, type NameKind, nameClaimable, normal } from "../../guards/NameClaimable.js"
import { networkPermitted } from "../../guards/NetworkPermitted.js"
import { serviceWellformed } from "../../guards/ServiceOrder.js"
import { entitles } from "../../guards/TierEntitled.js"
import type { LogUnavailable } from "../../log/EventLog.js"
import { ServiceTable } from "../../projections/ServiceTable.js"
import * as Asking from "../Asking.js"
import * as OwnKeys from "./OwnKeys.js"
import { ServiceUrls } from "./ServiceUrls.js"
import type { ServiceAsked } from "./ServiceWords.js"

type Permits = Pick<Submission, "order" | "files" | "network" | "entitled" | "name" | "domains">

export interface ServiceIntake {
  readonly judge: (asked: ServiceAsked, asking: Asking.Asking) => Effect.Effect<Permits, Refused | LogUnavailable>
  /** `service`: whose it may be already. */
  readonly name: (
    kind: NameKind,
    asked: string,
    service: string | undefined,
    asking: Asking.Asking
  ) => Effect.Effect<Permit<"D15", Claimable>, Refused | LogUnavailable>
  /** Refuses what would hand its programs a key that is not theirs; files are looked through where they are decoded. */
  readonly handing: OwnKeys.OwnKeys
  readonly files: (files: unknown, asking: Asking.Asking) => Effect.Effect<Permits["files"], Refused>
}

export const make = Effect.gen(function* () {
  const guarding = yield* Asking.make
  const table = yield* ServiceTable
  const { own } = yield* ServiceUrls
  const handing = yield* OwnKeys.make
  const status = yield* (yield* Pools).status
  const available = status.filter(({ enabled }) => enabled).map(({ id }) => id)

  const name: ServiceIntake["name"] = (kind, asked, service, asking) =>
    Effect.gen(function* () {
      const holder = Option.getOrUndefined(yield* guarding.look(nameClaimable, table.holder(normal(asked)), asking))
      return yield* guarding.judge(nameClaimable.decide({ kind, asked, own, service, holder }), asking)
    })

  const files: ServiceIntake["files"] = (given, asking) =>
    Effect.tap(guarding.judge(filesContained.decide({ files: given, bounds: FILE_BOUNDS }), asking), ({ facts }) =>
      handing({ files: facts.files }, asking)
    )

  const judge: ServiceIntake["judge"] = (asked, asking) =>
    Effect.gen(function* () {
      const order = yield* guarding.judge(serviceWellformed.decide(asked.order), asking)
      const { network: mode, vcpu } = order.facts
      const wish = { scope: "services", vcpu, network: mode } as const
      const entitled = yield* guarding.judge(entitles(wish, asking.caller.key), asking)
      yield* handing(order.facts, asking)
      const called = yield* name("label", order.facts.name ?? Minting.serviceName(), undefined, asking)
      const domains = yield* Effect.forEach(new Set(order.facts.domains.map(normal)), (one) =>
        name("domain", one, undefined, asking)
      )
      const contained = yield* files(asked.files, asking)
      const network = yield* guarding.judge(networkPermitted.decide({ mode, available }), asking)
      return { order, name: called, domains, files: contained, network, entitled }
    })

  return { judge, name, files, handing } satisfies ServiceIntake
})
