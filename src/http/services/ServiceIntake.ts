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
import type { KeyRecord } from "../../projections/KeyTable.js"
import { ServiceTable } from "../../projections/ServiceTable.js"
import * as Refusing from "../Refusing.js"
import * as OwnKeys from "./OwnKeys.js"
import { ServiceUrls } from "./ServiceUrls.js"
import type { ServiceAsked } from "./ServiceWords.js"

export type Permits = Pick<Submission, "order" | "files" | "network" | "entitled" | "name" | "domains">

/** Who asks, and for what. */
export interface From {
  readonly owner: string
  readonly key: KeyRecord
  readonly method: string
  readonly url: string
}

export interface ServiceIntake {
  readonly judge: (asked: ServiceAsked, from: From) => Effect.Effect<Permits, Refused | LogUnavailable>
  /** `service`: whose it may be already. */
  readonly name: (
    kind: NameKind,
    asked: string,
    service: string | undefined,
    from: From
  ) => Effect.Effect<Permit<"D15", Claimable>, Refused | LogUnavailable>
  /** Refuses what would hand its programs a key that is not theirs; files are looked through where they are decoded. */
  readonly handing: OwnKeys.OwnKeys
  readonly files: (files: unknown, from: From) => Effect.Effect<Permits["files"], Refused>
}

export const make = Effect.gen(function* () {
  const refusing = yield* Refusing.make
  const table = yield* ServiceTable
  const { own } = yield* ServiceUrls
  const handing = yield* OwnKeys.make
  const status = yield* (yield* Pools).status
  const available = status.filter(({ enabled }) => enabled).map(({ id }) => id)

  const name: ServiceIntake["name"] = (kind, asked, service, { method, owner, url }) =>
    Effect.gen(function* () {
      const holder = Option.getOrUndefined(yield* table.holder(normal(asked)))
      return yield* refusing(nameClaimable.decide({ kind, asked, own, service, holder }), owner, method, url)
    })

  const files: ServiceIntake["files"] = (given, from) =>
    refusing(filesContained.decide({ files: given, bounds: FILE_BOUNDS }), from.owner, from.method, from.url).pipe(
      Effect.tap(({ facts }) => handing({ files: facts.files }, from))
    )

  const judge: ServiceIntake["judge"] = (asked, from) =>
    Effect.gen(function* () {
      const { method, owner, url } = from
      const order = yield* refusing(serviceWellformed.decide(asked.order), owner, method, url)
      const { network: mode, vcpu } = order.facts
      const wish = { scope: "services", vcpu, network: mode } as const
      const entitled = yield* refusing(entitles(wish, from.key), owner, method, url)
      yield* handing(order.facts, from)
      const called = yield* name("label", order.facts.name ?? Minting.serviceName(), undefined, from)
      const domains = yield* Effect.forEach(new Set(order.facts.domains.map(normal)), (one) =>
        name("domain", one, undefined, from)
      )
      const contained = yield* files(asked.files, from)
      const network = yield* refusing(networkPermitted.decide({ mode, available }), owner, method, url)
      return { order, name: called, domains, files: contained, network, entitled }
    })

  return { judge, name, files, handing } satisfies ServiceIntake
})
