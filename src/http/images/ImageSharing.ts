/** Who may use an image: shown, granted and revoked by its owner. */
import { Effect } from "effect"
import { type Consented, Images, type Owned } from "../../../actors/image/Images.js"
import type { ImageId, PublicKey } from "../../../events/Ids.js"
import { guestWellformed, visibilityWellformed } from "../../guards/ImageOrder.js"
import type * as Asking from "../Asking.js"
import { type Fields, first } from "../Normalise.js"
import * as Problem from "../Problem.js"
import * as ImageDesk from "./ImageDesk.js"
import type { ImageRoutes, One } from "./ImageRoutes.js"
import type { Shared } from "./ImageShape.js"

const keyOf = (fields: Fields): unknown => first(fields.api_key, fields.trusted_api_key, fields.trusted_key)

export const make = ({ consented, desk, guarding, own }: ImageRoutes) =>
  Effect.gen(function* () {
    const images = yield* Images

    const guests = (image: ImageId) => Effect.map(desk.guests(image), (keys) => ({ trusted_keys: keys, trusted: keys }))

    const trusted = Effect.fnUntraced(function* (one: One) {
      const { image } = (yield* own(one)).view
      const found = yield* guests(image)
      return { id: image, image_id: image, ...found, count: found.trusted.length }
    }, Effect.mapError(Problem.of))

    const visibility = Effect.fnUntraced(function* (one: One) {
      const { asking, by, owned, view } = yield* own(one)
      const fields = yield* guarding.fields(asking)
      const order = yield* guarding.judge(visibilityWellformed.decide({ visibility: fields.visibility }), asking)
      yield* images.show(owned, yield* consented("plain", view, asking), order.facts.visibility, by)
      return ImageDesk.told(yield* desk.again(view.image))
    }, Effect.mapError(Problem.of))

    type Change = (
      owned: Owned,
      consent: Consented,
      key: PublicKey,
      by: Asking.Asked
    ) => ReturnType<typeof images.grant>

    /** The key stands in the path, or else in the body. */
    const changing = (change: Change, message: string) =>
      Effect.fnUntraced(function* (one: One) {
        const { asking, by, owned, view } = yield* own(one)
        const key = one.path.key ?? keyOf(yield* guarding.fields(asking))
        const guest = yield* guarding.judge(guestWellformed.decide({ key }), asking)
        yield* change(owned, yield* consented("plain", view, asking), guest.facts.key, by)
        const { image } = view
        return { id: image, image_id: image, success: true, message, ...(yield* guests(image)) } satisfies Shared
      }, Effect.mapError(Problem.of))

    return {
      trusted,
      visibility,
      grant: changing(images.grant, "Access granted"),
      revoke: changing(images.revoke, "Access revoked")
    }
  })
