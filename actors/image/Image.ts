/**
 * An image's life: published, shared, given away, deleted.
 *
 *   Absent ──Publish──▶ Kept ──Show / Grant / Revoke / Transfer / Lock / Unlock / Spawn──▶ Kept
 *                         └──Delete──▶ Gone
 */
import { Data, Either } from "effect"
import type { ImageId, PublicKey, ServiceId } from "../../events/Ids.js"
import type { ImageEvent, ImagePublished, Visibility } from "../../events/Image.js"
import { isFor, told } from "../../src/guards/Consent.js"
import type { Consented, Owned, Trusted, Unlocked } from "./Images.js"

export type State = Data.TaggedEnum<{
  Absent: {}
  Kept: {
    readonly image: ImageId
    readonly owner: PublicKey
    readonly visibility: Visibility
    readonly guests: ReadonlySet<PublicKey>
    readonly locked: boolean
  }
  Gone: { readonly image: ImageId; readonly owner: PublicKey }
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Absent()

interface Undoing {
  readonly owned: Owned
  readonly unlocked: Unlocked
  readonly consent: Consented
}

export type Command = Data.TaggedEnum<{
  Publish: { readonly published: Omit<ImagePublished, "_tag"> }
  Show: { readonly owned: Owned; readonly consent: Consented; readonly visibility: Visibility }
  Grant: { readonly owned: Owned; readonly consent: Consented; readonly key: PublicKey }
  Revoke: { readonly owned: Owned; readonly consent: Consented; readonly key: PublicKey }
  Transfer: Undoing & { readonly to: PublicKey }
  Lock: { readonly owned: Owned }
  Unlock: { readonly owned: Owned; readonly consent: Consented }
  /** Before anything is made of it; nothing comes of the question itself. */
  Use: { readonly trusted: Trusted }
  Spawn: { readonly trusted: Trusted; readonly service: ServiceId }
  Delete: Undoing
}>
export const Command = Data.taggedEnum<Command>()

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"] | "Locked" | "Full" | "Unshared"
}> {}

type Kept = Extract<State, { readonly _tag: "Kept" }>
type Decision = Either.Either<ReadonlyArray<ImageEvent>, Rejected>

/** Keys that one image may be granted to. */
const GUESTS = 1_000

const nothing: Decision = Either.right([])
const one = (event: ImageEvent): Decision => Either.right([event])
const no = (command: Command, why: Rejected["in"]): Decision =>
  Either.left(new Rejected({ command: command._tag, in: why }))

interface Agreed {
  readonly owned: Owned
  readonly consent: Consented
}

const proofs = ({ consent, owned }: Agreed) => told(consent, owned)
const all = ({ consent, owned, unlocked }: Undoing) => told(consent, owned, unlocked)

const grant = (state: Kept, command: Extract<Command, { readonly _tag: "Grant" }>): Decision => {
  const { guests, image, owner } = state
  const { key } = command
  if (key === owner || guests.has(key)) return nothing
  return guests.size < GUESTS
    ? one({ _tag: "ImageGranted", image, key, evidence: proofs(command) })
    : no(command, "Full")
}

const unlocked = (
  state: Kept,
  command: Extract<Command, { readonly unlocked: Unlocked }>,
  event: ImageEvent
): Decision => (state.locked || command.unlocked.facts.resource !== state.image ? no(command, "Locked") : one(event))

const ofOwner = (state: Kept, command: Extract<Command, { readonly owned: Owned }>): Decision => {
  const { guests, image, locked, owner, visibility } = state
  switch (command._tag) {
    case "Show":
      if (command.visibility === visibility) return nothing
      return one({ _tag: "ImageVisibilityChanged", image, visibility: command.visibility, evidence: proofs(command) })
    case "Grant":
      return grant(state, command)
    case "Revoke":
      return guests.has(command.key)
        ? one({ _tag: "ImageRevoked", image, key: command.key, evidence: proofs(command) })
        : nothing
    case "Transfer":
      if (command.to === owner) return nothing
      return unlocked(state, command, {
        _tag: "ImageTransferred",
        image,
        from: owner,
        to: command.to,
        evidence: all(command)
      })
    case "Lock":
      return locked ? nothing : one({ _tag: "ImageLocked", image })
    case "Unlock":
      return locked ? one({ _tag: "ImageUnlocked", image, evidence: proofs(command) }) : nothing
    case "Delete":
      return unlocked(state, command, { _tag: "ImageDeleted", image, cause: "asked", evidence: all(command) })
  }
}

/** A service that was made of it is recorded, also when the image was deleted meanwhile. */
const spawn = (image: ImageId, command: Extract<Command, { readonly _tag: "Spawn" }>): Decision =>
  command.trusted.facts.image === image
    ? one({ _tag: "ImageSpawned", image, service: command.service })
    : no(command, "Absent")

/** The very reason that the permit was issued for: another that has come up since is another request's. */
const trusts = ({ guests, owner, visibility }: Kept, { actor, because, owner: whose }: Trusted["facts"]): boolean => {
  const keys: ReadonlySet<string> = guests
  if (whose !== owner) return false
  switch (because) {
    case "owner":
      return actor === owner
    case "granted":
      return keys.has(actor)
    case "visible":
      return visibility !== "private"
  }
}

const use = (
  state: Exclude<State, { readonly _tag: "Absent" }>,
  command: Extract<Command, { readonly _tag: "Use" }>
): Decision => {
  const { facts } = command.trusted
  if (state._tag !== "Kept" || facts.image !== state.image) return no(command, state._tag)
  return trusts(state, facts) ? nothing : no(command, "Unshared")
}

export const decide = (state: State, command: Command): Decision => {
  if (command._tag === "Publish")
    return state._tag === "Absent" ? one({ _tag: "ImagePublished", ...command.published }) : no(command, state._tag)
  if (state._tag === "Absent") return no(command, "Absent")
  if (command._tag === "Use") return use(state, command)
  if (command._tag === "Spawn") return spawn(state.image, command)
  // The permit was true when it was issued; the state is true now.
  const { actor, resource } = command.owned.facts
  if (actor !== state.owner || resource !== state.image) return no(command, state._tag)
  if ("consent" in command && !isFor(command.consent, state.image, state.owner)) return no(command, state._tag)
  if (state._tag === "Kept") return ofOwner(state, command)
  return command._tag === "Delete" ? nothing : no(command, "Gone")
}

const changed = (state: Kept, event: ImageEvent): State => {
  switch (event._tag) {
    case "ImageVisibilityChanged":
      return State.Kept({ ...state, visibility: event.visibility })
    case "ImageGranted":
      return State.Kept({ ...state, guests: new Set([...state.guests, event.key]) })
    case "ImageRevoked":
      return State.Kept({ ...state, guests: new Set([...state.guests].filter((key) => key !== event.key)) })
    case "ImageTransferred":
      return State.Kept({
        ...state,
        owner: event.to,
        guests: new Set([...state.guests].filter((key) => key !== event.to))
      })
    case "ImageLocked":
      return State.Kept({ ...state, locked: true })
    case "ImageUnlocked":
      return State.Kept({ ...state, locked: false })
    case "ImageDeleted":
      return State.Gone({ image: state.image, owner: state.owner })
    case "ImagePublished":
    case "ImageSpawned":
      return state
  }
}

export const evolve = (state: State, event: ImageEvent): State => {
  if (event._tag === "ImagePublished") {
    const { image, owner, visibility } = event
    return State.Kept({ image, owner, visibility, guests: new Set(), locked: false })
  }
  return state._tag === "Kept" ? changed(state, event) : state
}
