/** What handlers of images have in common: who asks, for which image, with which permits. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { Effect } from "effect"
import type { ImageView } from "../../projections/ImageTable.js"
import * as Asking from "../Asking.js"
import * as Consent from "../Consent.js"
import * as ImageDesk from "./ImageDesk.js"

export interface Any {
  readonly request: HttpServerRequest.HttpServerRequest
}
export interface One extends Any {
  readonly path: { readonly id: string; readonly key?: string }
}

export const make = Effect.gen(function* () {
  const guarding = yield* Asking.make
  const consenting = yield* Consent.make
  const desk = yield* ImageDesk.make

  /** The caller's own: D18, then D17. */
  const own = ({ path, request }: One) =>
    Effect.gen(function* () {
      const asking = yield* Asking.of(request)
      return { ...(yield* desk.own(path.id, asking)), asking, by: Asking.asked(asking) }
    })

  /** One that the caller may use: D18. */
  const trust = ({ path, request }: One) =>
    Effect.gen(function* () {
      const asking = yield* Asking.of(request)
      return { ...(yield* desk.trust(path.id, asking)), asking, by: Asking.asked(asking) }
    })

  const consented = (weight: Consent.Weight, { image, owner, source }: ImageView, asking: Asking.Asking) => {
    const home = source._tag === "Service" ? { home: source.service } : {}
    return consenting(weight, { kind: "image", resource: image, owner, ...home }, asking)
  }

  return { guarding, desk, own, trust, consented }
})

export type ImageRoutes = Effect.Effect.Success<typeof make>
