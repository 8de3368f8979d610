/** D18: may this key use this image? A stranger hears of a private one the same as if it had never been. */
import { Either } from "effect"
import type { ImageId } from "../../events/Ids.js"
import { flag, maybe, nonEmpty, oneOf, struct, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

export interface ImageFound {
  readonly image: ImageId
  readonly owner: string
  readonly visibility: "private" | "unlisted" | "public"
  /** To the caller. */
  readonly granted: boolean
  readonly gone?: "destroyed"
}

interface ImageSought {
  /** Whatever the caller wrote. */
  readonly resource: string
  readonly actor: string
  readonly found: ImageFound | undefined
}

export interface Trust {
  readonly actor: string
  readonly image: ImageId
  readonly owner: string
  readonly because: "owner" | "granted" | "visible"
}

const never = (found: ImageFound | undefined): Reason => ({
  code: "not_found",
  message: "There is no such image, or it is not shared with this key. GET /images lists those that are.",
  status: 404,
  note: found === undefined ? "it never existed" : `it is ${found.gone ?? found.visibility} and another's`
})

const because = ({ actor, found }: ImageSought): Trust["because"] | undefined => {
  if (found === undefined) return undefined
  if (found.owner === actor) return "owner"
  // Nobody but its owner ever hears of one that is gone.
  if (found.gone !== undefined) return undefined
  if (found.granted) return "granted"
  return found.visibility === "private" ? undefined : "visible"
}

const reads = (sought: ImageSought): Either.Either<Trust, Reason> => {
  const { actor, found, resource } = sought
  const reason = because(sought)
  if (found === undefined || reason === undefined) return Either.left(never(found))
  const { gone, image, owner } = found
  if (image !== resource) return Either.left({ ...never(found), uncertain: true, status: 503, note: "another image" })
  if (gone === undefined) return Either.right({ actor, image, owner, because: reason })
  return Either.left({ code: "gone", message: `image ${image} was ${gone}.`, status: 410, details: { was: gone } })
}

export const imageTrusted = Permit.guard("D18", {
  name: "image-trusted",
  claim: "the image may be used by this key",
  known: {
    resource: nonEmpty,
    actor: text,
    found: maybe(
      struct<ImageFound>({
        image: text,
        owner: text,
        visibility: oneOf("private", "unlisted", "public"),
        granted: flag,
        gone: maybe(oneOf("destroyed"))
      })
    )
  },
  reads
})
