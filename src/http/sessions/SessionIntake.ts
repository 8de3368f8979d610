/** From a request for a session as it came to a submission that holds its permits: D11, D08, D12, D13, D14, in this order. */
import { Effect, Either } from "effect"
import { Pools } from "../../../actors/pool/Pools.js"
import type { Submission } from "../../../actors/session/Sessions.js"
import { FILE_BOUNDS, filesContained } from "../../guards/FilesContained.js"
import type { Reason, Refused } from "../../guards/Guard.js"
import { type LanguageAsked, languageRunnable } from "../../guards/LanguageRunnable.js"
import { networkPermitted } from "../../guards/NetworkPermitted.js"
import { requestWellformed } from "../../guards/RequestWellformed.js"
import { sessionWellformed } from "../../guards/SessionOrder.js"
import { entitles } from "../../guards/TierEntitled.js"
import * as Shells from "../../languages/Shells.js"
import { Toolchains } from "../../languages/Toolchains.js"
import type { KeyRecord } from "../../projections/KeyTable.js"
import * as Asking from "../Asking.js"
import type { Asked } from "./SessionRequest.js"

type Permits = Pick<Submission, "order" | "shell" | "multiplexer" | "files" | "network" | "entitled" | "audit">

export const make = Effect.gen(function* () {
  const toolchains = yield* Toolchains
  const { status } = yield* Pools
  const guarding = yield* Asking.make

  const shellAsked = (asked: string): LanguageAsked => {
    const shell = Shells.find(asked)
    const runnable = shell !== undefined && toolchains.shells.has(shell.name)
    const installCommand = shell === undefined ? undefined : `apt-get install ${shell.provider}`
    return { what: "shell", asked, known: shell?.name, runnable, suggestion: undefined, installCommand }
  }

  const multiplexerOf = (name: Shells.Multiplexer | null): Either.Either<Permits["multiplexer"], Refused> => {
    if (name === null) return Either.right(null)
    const [runnable, installCommand] = [toolchains.multiplexers.has(name), `apt-get install ${name}`]
    const facts = { what: "multiplexer", asked: name, known: name, suggestion: undefined } as const
    return Either.map(languageRunnable.decide({ ...facts, runnable, installCommand }), (runnable) => ({
      name,
      runnable
    }))
  }

  const decided = (asked: Either.Either<Asked, Reason>, key: KeyRecord) =>
    Effect.map(
      status,
      (pools): Either.Either<Permits, Refused> =>
        Either.gen(function* () {
          const { files: written, order: said } = yield* Either.mapLeft(asked, requestWellformed.refuse)
          const order = yield* sessionWellformed.decide(said)
          const { audit, multiplexer, network: mode, shell: name, vcpu } = order.facts
          const entitled = yield* entitles({ scope: "sessions", vcpu, network: mode }, key)
          const shell = yield* languageRunnable.decide(shellAsked(name))
          const keeper = yield* multiplexerOf(multiplexer)
          const files = yield* filesContained.decide({ files: written, bounds: FILE_BOUNDS })
          const available = pools.filter(({ enabled }) => enabled).map(({ id }) => id)
          const network = yield* networkPermitted.decide({ mode, available })
          return { order, shell, multiplexer: keeper, files, network, entitled, audit }
        })
    )

  const judge = (asked: Either.Either<Asked, Reason>, asking: Asking.Asking): Effect.Effect<Permits, Refused> =>
    Effect.flatMap(decided(asked, asking.caller.key), (decision) => guarding.judge(decision, asking))

  return { judge }
})
