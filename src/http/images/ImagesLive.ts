/** Images looked at, given away and deleted by those who may; how they are made and shared stands beside. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { Effect, Either, Option } from "effect"
import { Images } from "../../../actors/image/Images.js"
import { guestWellformed } from "../../guards/ImageOrder.js"
import { keyKnown } from "../../guards/KeyKnown.js"
import type { Shelf } from "../../projections/ImageTable.js"
import { KeyTable } from "../../projections/KeyTable.js"
import { Api } from "../Api.js"
import * as Asking from "../Asking.js"
import * as Problem from "../Problem.js"
import * as Answer from "../wire/Answer.js"
import * as ImageDesk from "./ImageDesk.js"
import * as ImageMaking from "./ImageMaking.js"
import * as ImageRoutes from "./ImageRoutes.js"
import * as ImageSharing from "./ImageSharing.js"

type Any = ImageRoutes.Any
type One = ImageRoutes.One

const stranger = keyKnown.refuse({
  code: "unknown_key",
  message: "There is no such key, or it is not active. Name one that its owner can use.",
  status: 400,
  details: { field: "to_api_key" }
})

const make = Effect.gen(function* () {
  const images = yield* Images
  const keys = yield* KeyTable
  const routes = yield* ImageRoutes.make
  const { desk, guarding, own, trust } = routes
  const making = yield* ImageMaking.make(routes)
  const sharing = yield* ImageSharing.make(routes)

  const list = (shelf: Shelf) =>
    Effect.fnUntraced(function* ({ request }: Any) {
      return yield* desk.list(shelf, yield* Asking.of(request))
    }, Effect.mapError(Problem.of))

  const get = Effect.fnUntraced(function* (one: One) {
    const { trusted, view } = yield* trust(one)
    if (trusted.facts.because !== "owner") return ImageDesk.told(view)
    const guests = yield* desk.guests(view.image)
    return { ...ImageDesk.told(view), trusted_keys: guests, trusted: guests }
  }, Effect.mapError(Problem.of))

  const transfer = Effect.fnUntraced(function* (one: One) {
    const { asking, by, owned, view } = yield* own(one)
    const fields = yield* guarding.fields(asking)
    const asked = guestWellformed.decide({ key: fields.to_api_key ?? fields.api_key })
    const { key } = (yield* guarding.judge(asked, asking)).facts
    const recipient = yield* keys.find(key)
    // What nobody can use would be lost.
    if (!Option.exists(recipient, ({ status }) => status === "active"))
      return yield* guarding.judge(Either.left(stranger), asking)
    const { image, locked } = view
    const unlocked = yield* guarding.unlocked("image", image, locked, asking)
    yield* images.transfer(owned, unlocked, yield* routes.consented("grave", view, asking), key, by)
    return Answer.json({ id: image, image_id: image, success: true, owner_api_key: key, message: "Image transferred" })
  }, Effect.mapError(Problem.of))

  const locking = (locked: boolean) =>
    Effect.fnUntraced(function* (one: One) {
      const { asking, by, owned, view } = yield* own(one)
      if (locked) yield* images.lock(owned, by)
      else yield* images.unlock(owned, yield* routes.consented("destroying", view, asking), by)
      return { id: view.image, image_id: view.image, locked, message: `Image ${locked ? "locked" : "unlocked"}` }
    }, Effect.mapError(Problem.of))

  const remove = Effect.fnUntraced(function* (one: One) {
    const { asking, by, owned, view } = yield* own(one)
    const { image, locked } = view
    const unlocked = yield* guarding.unlocked("image", image, locked, asking)
    yield* images.delete(owned, unlocked, yield* routes.consented("destroying", view, asking), by)
    return { id: image, image_id: image, success: true, message: `Image ${view.name} deleted` }
  }, Effect.mapError(Problem.of))

  return { ...making, ...sharing, list, get, transfer, lock: locking(true), unlock: locking(false), remove }
})

export const ImagesLive = HttpApiBuilder.group(Api, "images", (handlers) =>
  Effect.map(make, (live) =>
    handlers
      .handleRaw("publish", live.publish)
      .handleRaw("publishAlias", live.publish)
      .handle("list", (any) => live.list(any.urlParams.filter ?? "mine")(any))
      .handle("owned", live.list("owned"))
      .handle("shared", live.list("shared"))
      .handle("public", live.list("public"))
      .handle("get", live.get)
      .handleRaw("clone", live.clone)
      .handleRaw("spawn", live.spawn)
      .handleRaw("export", live.exported)
      .handleRaw("visibility", (one) => Effect.map(live.visibility(one), Answer.json))
      .handle("trusted", live.trusted)
      .handle("trustedAlias", live.trusted)
      .handleRaw("grant", (one) => Effect.map(live.grant(one), Answer.json))
      .handleRaw("grantAccess", (one) => Effect.map(live.grant(one), Answer.json))
      .handleRaw("accessGrant", (one) => Effect.map(live.grant(one), Answer.json))
      .handleRaw("access", (one) => Effect.map(live.grant(one), Answer.json))
      .handleRaw("revoke", (one) => Effect.map(live.revoke(one), Answer.json))
      .handleRaw("revokeAccess", (one) => Effect.map(live.revoke(one), Answer.json))
      .handleRaw("accessRevoke", (one) => Effect.map(live.revoke(one), Answer.json))
      .handle("accessDeleteKey", live.revoke)
      .handle("accessDelete", live.revoke)
      .handleRaw("transfer", live.transfer)
      .handle("lock", live.lock)
      .handle("unlock", live.unlock)
      .handle("delete", live.remove)
  )
)
