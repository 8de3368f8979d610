/** D16: does it exist, as far as this caller may know? A stranger hears the same as if it had never been. */
import { Either } from "effect"
import { maybe, nonEmpty, oneOf, struct, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"
import { type Kind, kind } from "./Resource.js"

export interface Found {
  readonly owner: string
  readonly gone?: "destroyed" | "expired"
  /** Why, in the log's word for it. */
  readonly cause?: string
}

interface Sought {
  readonly kind: Kind
  /** Whatever the caller wrote. */
  readonly resource: string
  readonly actor: string
  readonly found: Found | undefined
}

export interface Existing {
  readonly kind: Kind
  readonly resource: string
  readonly actor: string
  readonly owner: string
}

const never = ({ found, kind }: Sought): Reason => ({
  code: "not_found",
  message: `There is no such ${kind}. Ids are case-sensitive; GET /${kind}s lists yours.`,
  status: 404,
  // The log may know what the caller may not.
  note: found === undefined ? "it never existed" : "it belongs to another key"
})

const reads = (sought: Sought): Either.Either<Existing, Reason> => {
  const { actor, found, kind, resource } = sought
  if (found === undefined || found.owner !== actor) return Either.left(never(sought))
  const { cause, gone, owner } = found
  if (gone === undefined) return Either.right({ kind, resource, actor, owner })
  const details = cause === undefined ? { was: gone } : { was: gone, cause }
  return Either.left({ code: "gone", message: `${kind} ${resource} was ${gone}.`, status: 410, details })
}

export const resourceKnown = Permit.guard("D16", {
  name: "resource-known",
  claim: "it exists and has not been destroyed, as far as the caller may know",
  known: {
    kind,
    resource: nonEmpty,
    actor: text,
    found: maybe(struct<Found>({ owner: text, gone: maybe(oneOf("destroyed", "expired")), cause: maybe(text) }))
  },
  reads
})
