/** Images that come from elsewhere: judged while they come in, and published as the caller's own. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect, Either, Schema } from "effect"
import { Images, Of } from "../../../actors/image/Images.js"
import { refusedOf } from "../../../actors/snapshot/Unfit.js"
import { Digest } from "../../../events/Ids.js"
import type { Origin } from "../../../events/Layer.js"
import { capacityAvailable } from "../../guards/CapacityAvailable.js"
import { filesContained } from "../../guards/FilesContained.js"
import { imageWellformed } from "../../guards/ImageOrder.js"
import { requestWellformed } from "../../guards/RequestWellformed.js"
import { entitles } from "../../guards/TierEntitled.js"
import { type ArchiveRefused, Archives } from "../../store/Archives.js"
import { Allowance } from "../Allowance.js"
import { Api } from "../Api.js"
import * as Asking from "../Asking.js"
import * as Problem from "../Problem.js"
import * as Answer from "../wire/Answer.js"
import { Arrivals } from "../wire/Arrivals.js"
import * as Shares from "../wire/Shares.js"
import * as ImageDesk from "./ImageDesk.js"

interface Import {
  readonly request: HttpServerRequest.HttpServerRequest
  readonly urlParams: {
    readonly name?: string | undefined
    readonly description?: string | undefined
    readonly visibility?: string | undefined
    readonly partial?: string | undefined
  }
}

const isDigest = Schema.is(Digest)

const undigested = requestWellformed.refuse({
  code: "digest_required",
  message: "Send the body's SHA-256 in X-Content-SHA256, 64 lowercase hex digits, and sign that instead of the body.",
  status: 400,
  details: { field: "x-content-sha256" }
})

/** D13: a foreign archive is the longest list of file names that there is. */
const uncontained = ({ code, message, tooLarge }: ArchiveRefused) =>
  filesContained.refuse({ code, message, status: tooLarge === true ? 413 : 400 })

/** Nobody knows how it was run. */
const origin: Origin = { network: "zerotrust", vcpu: 1, shell: null, ports: [], serviceType: null, container: null }

/** Archives on their way in at once: a slow line has one for hours. */
const seats = 16

const crowded = capacityAvailable.refuse({
  code: "too_many_imports",
  message: "Too many images are coming in at once. Send it again when one of yours is here, or shortly.",
  status: 503,
  retryAfterSeconds: 30
})

/** What is still coming in is let go by, so that the answer is seen; then the line is closed. */
const closing = (problem: Problem.Problem) =>
  // A message is no own key of an error that is spread.
  new Problem.Problem({ ...problem, message: problem.message, headers: { connection: "close" } })

const make = Effect.gen(function* () {
  const archives = yield* Archives
  const images = yield* Images
  const guarding = yield* Asking.make
  const allowance = yield* Allowance

  const arrivals = yield* Arrivals
  const arriving = Shares.make(seats)

  /** Until the scope closes; a key and all that descend from it have a share together. */
  const seated = (asking: Asking.Asking) => {
    const { key } = asking.caller
    const shares = [{ name: (key.line.at(-1) ?? key).key, part: 1 }]
    const taken = Effect.suspend(() =>
      arriving.take(shares, 1) ? Effect.void : guarding.judge(Either.left(crowded), asking)
    )
    return Effect.acquireRelease(taken, () => Effect.sync(() => arriving.give(shares, 1)))
  }

  const received = (digest: Digest, { request, urlParams }: Import, asking: Asking.Asking) =>
    Effect.gen(function* () {
      const source = NodeHttpServerRequest.toIncomingMessage(request)
      yield* seated(asking)
      yield* arrivals.steadily(source)
      return yield* archives.read({ source, digest }, urlParams.partial === "1")
    }).pipe(
      Effect.catchTags({
        ArchiveRefused: (refused) => guarding.judge(Either.left(uncontained(refused)), asking),
        LayerRefused: (refused) => guarding.judge(Either.left(refusedOf(refused)), asking)
      })
    )

  return Effect.fnUntraced(
    function* (given: Import) {
      const asking = yield* Asking.of(given.request)
      const digest = `sha256:${asking.caller.body.toString()}`
      if (!isDigest(digest)) return yield* guarding.judge(Either.left(undigested), asking)
      const { description, name, visibility } = given.urlParams
      const order = yield* guarding.judge(imageWellformed.decide({ name, description, visibility }), asking)
      yield* guarding.judge(entitles({ scope: "images" }, asking.caller.key), asking)
      const publishing = Effect.gen(function* () {
        const { layer, skipped } = yield* received(digest, given, asking)
        const view = yield* images.publish({ of: Of.Layer({ layer, origin }), order }, Asking.asked(asking))
        return { ...ImageDesk.told(view), skipped }
      })
      return Answer.json(yield* allowance.within("image", asking)(publishing))
    },
    Effect.scoped,
    Effect.mapError((error) => closing(Problem.of(error)))
  )
})

export const ArchivesLive = HttpApiBuilder.group(Api, "archives", (handlers) =>
  Effect.map(make, (bring) => handlers.handleRaw("import", bring))
)
