/** D16: does it exist, as far as this caller may know? A stranger hears the same as if it had never been. */
import { Either } from "effect"
import { maybe, oneOf, struct, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

export interface Found {
  readonly owner: string
  readonly gone?: "destroyed" | "expired"
}

export interface Sought {
  /** What it would be, in the caller's words: `job`, `service` … */
  readonly kind: string
  readonly resource: string
  readonly actor: string
  readonly found: Found | undefined
}

export interface Existing {
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
  const { gone, owner } = found
  if (gone === undefined) return Either.right({ resource, actor, owner })
  return Either.left({ code: "gone", message: `${kind} ${resource} was ${gone}.`, status: 410, details: { was: gone } })
}

export const resourceKnown = Permit.guard("D16", {
  name: "resource-known",
  claim: "it exists and has not been destroyed, as far as the caller may know",
  known: {
    kind: text,
    resource: text,
    actor: text,
    found: maybe(struct<Found>({ owner: text, gone: maybe(oneOf("destroyed", "expired")) }))
  },
  reads
})
