/** What a caller may write about an image, and its one normal form. */
import { Either, Schema } from "effect"
import { PublicKey } from "../../events/Ids.js"
import { Visibility } from "../../events/Image.js"
import { anything } from "./Fact.js"
import type { Reason } from "./Guard.js"
import { absent, bad, type Read } from "./Order.js"
import { wellformed } from "./RequestWellformed.js"
import { line, nameOf } from "./SnapshotOrder.js"

/** As it came, under the contract's names. */
interface ImageWritten {
  readonly name?: unknown
  readonly description?: unknown
  readonly visibility?: unknown
}

export interface ImageOrder {
  /** Empty: it has none. */
  readonly name: string
  readonly description: string
  readonly visibility: Visibility
}

const DESCRIPTION = 1_024
const isVisibility = Schema.is(Visibility)
const isKey = Schema.is(PublicKey)

const visibilityOf = (value: unknown): Read<Visibility> =>
  isVisibility(value) ? Either.right(value) : bad("visibility", "visibility must be private, unlisted or public.")

const read = (written: ImageWritten): Either.Either<ImageOrder, Reason> =>
  Either.all({
    name: nameOf(written.name),
    description: line("description", written.description, DESCRIPTION),
    visibility: visibilityOf(absent(written.visibility) ? "private" : written.visibility)
  })

/** D11 on an order for an image. */
export const imageWellformed = wellformed<ImageWritten, ImageOrder>(
  { name: anything, description: anything, visibility: anything },
  read
)

/** D11 on a change of who may see it. */
export const visibilityWellformed = wellformed<{ readonly visibility: unknown }, { readonly visibility: Visibility }>(
  { visibility: anything },
  ({ visibility }) => Either.map(visibilityOf(visibility), (known) => ({ visibility: known }))
)

/** D11 on another's key, to whom something is granted or given. */
export const guestWellformed = wellformed<{ readonly key: unknown }, { readonly key: PublicKey }>(
  { key: anything },
  ({ key }) =>
    isKey(key)
      ? Either.right({ key })
      : bad("api_key", "api_key must be a public key such as unsb-pk-xxxx-xxxx-xxxx-xxxx.")
)
