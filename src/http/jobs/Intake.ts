/** From a request as it came to a submission that holds its permits: D11, D08, D12, D13, D14, in this order. */
import { Effect, Either } from "effect"
import type { Submission } from "../../../actors/job/Jobs.js"
import { Pools } from "../../../actors/pool/Pools.js"
import { FILE_BOUNDS, filesContained } from "../../guards/FilesContained.js"
import type { Reason, Refused } from "../../guards/Guard.js"
import { languageRunnable } from "../../guards/LanguageRunnable.js"
import { networkPermitted } from "../../guards/NetworkPermitted.js"
import { requestWellformed } from "../../guards/RequestWellformed.js"
import { entitles } from "../../guards/TierEntitled.js"
import { Toolchains } from "../../languages/Toolchains.js"
import type { KeyRecord } from "../../projections/KeyTable.js"
import type { Asked } from "../Normalise.js"
import * as LanguageChoice from "./LanguageChoice.js"

type Permits = Pick<Submission, "order" | "runnable" | "files" | "network" | "entitled" | "detected">

interface Intake {
  /** `detects`: the program's text may name its language where the request does not. */
  readonly judge: (
    asked: Either.Either<Asked, Reason>,
    detects: boolean,
    key: KeyRecord
  ) => Either.Either<Permits, Refused>
}

export const make = Effect.gen(function* () {
  const choice = LanguageChoice.make(yield* Toolchains)
  const status = yield* (yield* Pools).status
  const available = status.filter(({ enabled }) => enabled).map(({ id }) => id)

  const judge: Intake["judge"] = (asked, detects, key) => {
    if (Either.isLeft(asked)) return Either.left(requestWellformed.refuse(asked.left))
    const order = requestWellformed.decide(asked.right.order)
    if (Either.isLeft(order)) return Either.left(order.left)
    const { code, language, network: mode, ttlMillis, vcpu, wantsWasm } = order.right.facts
    const entitled = entitles({ scope: "execute", vcpu, ttlMillis, network: mode }, key)
    if (Either.isLeft(entitled)) return Either.left(entitled.left)
    const detected = detects && language === undefined
    const runnable = languageRunnable.decide(choice.of(detected ? choice.detect(code) : language, wantsWasm))
    if (Either.isLeft(runnable)) return Either.left(runnable.left)
    const files = filesContained.decide({ files: asked.right.files, bounds: FILE_BOUNDS })
    if (Either.isLeft(files)) return Either.left(files.left)
    return Either.map(networkPermitted.decide({ mode, available }), (network) => ({
      order: order.right,
      runnable: runnable.right,
      files: files.right,
      network,
      entitled: entitled.right,
      detected
    }))
  }
  return { judge } satisfies Intake
})
