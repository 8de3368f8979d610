/** Images looked up for those who may use them, or whose they are. */
import { hostname } from "node:os"
import { Effect, Option, Schema } from "effect"
import type { Owned, Trusted } from "../../../actors/image/Images.js"
import { ImageId } from "../../../events/Ids.js"
import { imageTrusted } from "../../guards/ImageTrusted.js"
import { resourceOwned } from "../../guards/ResourceOwned.js"
import { ImageTable, type ImageView, type Shelf } from "../../projections/ImageTable.js"
import * as Asking from "../Asking.js"
import { iso } from "../Moment.js"
import type { Image } from "./ImageShape.js"

const isImage = Schema.is(ImageId)
const longestList = 1_000

const sourceOf = ({ source }: ImageView) => {
  switch (source._tag) {
    case "Service":
      return { source_type: "service", source_id: source.service }
    case "Snapshot":
      return { source_type: "snapshot", source_id: source.snapshot }
    case "Image":
      return { source_type: "image", source_id: source.image }
    case "Import":
      return { source_type: "import", source_id: "" }
  }
}

export const told = (view: ImageView): Image => {
  const { createdAt, description, image, layer, locked, name, origin, owner, visibility } = view
  return {
    ...{ id: image, image_id: image, name, description, visibility, ...sourceOf(view) },
    fingerprint: layer.digest.slice("sha256:".length),
    ...{ node: hostname(), size_bytes: layer.stored, content_bytes: layer.bytes },
    network_mode: origin.network,
    ...{ status: "ready", state: "ready", locked, owner_api_key: owner },
    created_at: iso(createdAt)
  }
}

export const make = Effect.gen(function* () {
  const table = yield* ImageTable
  const guarding = yield* Asking.make

  const factsOf = Effect.fnUntraced(function* (view: ImageView, asking: Asking.Asking) {
    const { gone, image, owner, visibility } = view
    const granted = yield* table.isGuest(image, asking.caller.key.key)
    return { image, owner, visibility, granted, ...(gone === undefined ? {} : { gone }) }
  })

  /** D18: whoever may not use it is told that there is none. */
  const trust = Effect.fnUntraced(function* (id: string, asking: Asking.Asking) {
    const sought = isImage(id) ? yield* guarding.look(imageTrusted, table.find(id), asking) : Option.none()
    const view = Option.getOrUndefined(sought)
    const found = view && (yield* guarding.look(imageTrusted, factsOf(view, asking), asking))
    const actor = asking.caller.key.key
    const trusted: Trusted = yield* guarding.judge(imageTrusted.decide({ resource: id, actor, found }), asking)
    return view === undefined ? yield* Effect.dieMessage("a permit for what was not found") : { view, trusted }
  })

  /** By its id, or by its name on the caller's shelves: the newest of that name. */
  const called = Effect.fnUntraced(function* (written: string, asking: Asking.Asking) {
    if (isImage(written)) return yield* trust(written, asking)
    const mine = yield* table.list(asking.caller.key.key, "mine", longestList)
    return yield* trust(mine.find(({ name }) => name === written)?.image ?? written, asking)
  })

  /** D18, then D17: who may see it but does not own it may not change it. */
  const own = Effect.fnUntraced(function* (id: string, asking: Asking.Asking) {
    const { view } = yield* trust(id, asking)
    const { image: resource, owner } = view
    const facts = { kind: "image", actor: asking.caller.key.key, resource, owner } as const
    const owned: Owned = yield* guarding.judge(resourceOwned.decide(facts), asking)
    return { view, owned }
  })

  /** After a change: to its owner. */
  const again = (id: ImageId) =>
    Effect.flatMap(
      table.find(id),
      Option.match({ onNone: () => Effect.dieMessage("an image vanished"), onSome: Effect.succeed })
    )

  const list = (shelf: Shelf, asking: Asking.Asking) =>
    Effect.map(table.list(asking.caller.key.key, shelf, longestList), (found) => ({
      images: found.map(told),
      count: found.length
    }))

  return { trust, called, own, again, list, guests: table.guests }
})
