/** Images made, of what there is, and what is made of them. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Effect, Either } from "effect"
import { Images, Of } from "../../../actors/image/Images.js"
import { unfit } from "../../../actors/snapshot/Unfit.js"
import { imageWellformed } from "../../guards/ImageOrder.js"
import { requestWellformed } from "../../guards/RequestWellformed.js"
import { entitles } from "../../guards/TierEntitled.js"
import { Archives } from "../../store/Archives.js"
import { Allowance } from "../Allowance.js"
import * as Asking from "../Asking.js"
import type { Fields } from "../Normalise.js"
import * as Problem from "../Problem.js"
import * as Cloning from "../snapshots/Cloning.js"
import * as Places from "../snapshots/Places.js"
import * as SnapshotDesk from "../snapshots/SnapshotDesk.js"
import * as Answer from "../wire/Answer.js"
import * as ImageDesk from "./ImageDesk.js"
import type { Any, ImageRoutes, One } from "./ImageRoutes.js"

const sourceless = requestWellformed.refuse({
  code: "source_required",
  message: "Name what it is made of: source_type service or snapshot, with source_id.",
  status: 400,
  details: { field: "source_type" }
})

/** By either of the two ways in which clients write it. */
const sourceOf = ({ service_id, snapshot_id, source_id, source_type }: Fields) => {
  if (typeof snapshot_id === "string") return { type: "snapshot", id: snapshot_id }
  if (typeof service_id === "string") return { type: "service", id: service_id }
  return { type: source_type, id: typeof source_id === "string" ? source_id : "" }
}

export const make = ({ guarding, trust }: ImageRoutes) =>
  Effect.gen(function* () {
    const images = yield* Images
    const archives = yield* Archives
    const allowance = yield* Allowance
    const snapshots = yield* SnapshotDesk.make
    const places = yield* Places.make
    const cloning = yield* Cloning.make

    const of = Effect.fnUntraced(function* (fields: Fields, asking: Asking.Asking) {
      const { id, type } = sourceOf(fields)
      if (id === "" || (type !== "service" && type !== "snapshot"))
        return yield* guarding.judge(Either.left(sourceless), asking)
      if (type === "snapshot") return Of.Snapshot({ owned: (yield* snapshots.own(id, asking)).owned })
      const { owned, view } = yield* places.service(id, asking)
      return Of.Service({ owned, origin: Places.originOfService(view) })
    })

    const orderOf = ({ description, name, visibility }: Fields, asking: Asking.Asking) =>
      guarding.judge(imageWellformed.decide({ name, description, visibility }), asking)

    const publish = Effect.fnUntraced(function* ({ request }: Any) {
      const asking = yield* Asking.of(request)
      const fields = yield* guarding.fields(asking)
      const order = yield* orderOf(fields, asking)
      yield* guarding.judge(entitles({ scope: "images" }, asking.caller.key), asking)
      const publishing = images.publish({ of: yield* of(fields, asking), order }, Asking.asked(asking))
      const view = yield* allowance.within("image", asking)(publishing)
      return Answer.json(ImageDesk.told(view))
    }, Effect.mapError(Problem.of))

    const clone = Effect.fnUntraced(function* (one: One) {
      const { asking, by, trusted, view } = yield* trust(one)
      const { description = view.description, name = view.name } = yield* guarding.fields(asking)
      const order = yield* orderOf({ description, name }, asking)
      yield* guarding.judge(entitles({ scope: "images" }, asking.caller.key), asking)
      return Answer.json(ImageDesk.told(yield* allowance.within("image", asking)(images.clone(trusted, order, by))))
    }, Effect.mapError(Problem.of))

    const spawn = Effect.fnUntraced(function* (one: One) {
      const { asking, by, trusted, view } = yield* trust(one)
      const { image, origin } = view
      // Whoever starts it says which network: it does not come with the image.
      const create = yield* cloning.service(yield* guarding.fields(asking), { ...origin, network: "zerotrust" }, asking)
      const service = yield* images.spawn(trusted, (layer) => Effect.map(create(layer), ({ service }) => service), by)
      const told = yield* cloning.told({ _tag: "Service", service })
      return Answer.json({ ...told, source_image: image, image_id: image })
    }, Effect.mapError(Problem.of))

    const exported = Effect.fnUntraced(function* (one: One) {
      const { view } = yield* trust(one)
      const { createdAt, image, layer, name } = view
      const { bytes, content } = yield* unfit(archives.write(layer, { name, createdMillis: createdAt / 1_000 }))
      return HttpServerResponse.stream(content, {
        contentType: "application/x-tar",
        contentLength: bytes,
        headers: { "content-disposition": `attachment; filename="${image}.tar"` }
      })
    }, Effect.mapError(Problem.of))

    return { publish, clone, spawn, exported }
  })
