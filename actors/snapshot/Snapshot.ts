/**
 * A snapshot's life: taken, kept, deleted. Locked, nobody deletes it by mistake; its time ends it all the same.
 *
 *   Absent ──Take──▶ Kept ──Lock / Unlock / Use / Restore / Clone──▶ Kept
 *                      └──Delete, Expire──▶ Gone
 */
import { Data, Either } from "effect"
import type { SnapshotId } from "../../events/Ids.js"
import type { Place, SnapshotEvent, SnapshotTaken } from "../../events/Snapshot.js"
import { isFor, told } from "../../src/guards/Consent.js"
import type { Consented, Owned, Unlocked } from "./Snapshots.js"

interface Known {
  readonly snapshot: SnapshotId
  readonly owner: string
}

export type State = Data.TaggedEnum<{
  Absent: {}
  Kept: Known & { readonly locked: boolean; readonly expiresAt: number | null }
  Gone: Known
}>
export const State = Data.taggedEnum<State>()
export const initial: State = State.Absent()

export type Command = Data.TaggedEnum<{
  Take: { readonly taken: Omit<SnapshotTaken, "_tag"> }
  Lock: { readonly owned: Owned }
  Unlock: { readonly owned: Owned; readonly consent: Consented }
  /** Before anything is made of it; nothing comes of the question itself. */
  Use: { readonly owned: Owned }
  Restore: { readonly owned: Owned; readonly into: Place }
  Clone: { readonly owned: Owned; readonly to: Place }
  Delete: { readonly owned: Owned; readonly unlocked: Unlocked; readonly consent: Consented }
  Expire: { readonly now: number }
}>
export const Command = Data.taggedEnum<Command>()

export class Rejected extends Data.TaggedError("Rejected")<{
  readonly command: Command["_tag"]
  readonly in: State["_tag"] | "Locked"
}> {}

type Kept = Extract<State, { readonly _tag: "Kept" }>
type Decision = Either.Either<ReadonlyArray<SnapshotEvent>, Rejected>

const nothing: Decision = Either.right([])
const one = (event: SnapshotEvent): Decision => Either.right([event])

/** The permits were true when they were issued; the state is true now. */
const mine = ({ owner, snapshot }: Known, command: Extract<Command, { readonly owned: Owned }>): boolean => {
  const { actor, resource } = command.owned.facts
  if ("consent" in command && !isFor(command.consent, snapshot, owner)) return false
  return actor === owner && resource === snapshot
}

const ofOwner = (state: Kept, command: Exclude<Command, { readonly _tag: "Take" | "Expire" }>): Decision => {
  const { locked, snapshot } = state
  switch (command._tag) {
    case "Lock":
      return locked ? nothing : one({ _tag: "SnapshotLocked", snapshot })
    case "Unlock":
      return locked
        ? one({ _tag: "SnapshotUnlocked", snapshot, evidence: told(command.consent, command.owned) })
        : nothing
    case "Use":
      return nothing
    case "Restore":
      return one({ _tag: "SnapshotRestored", snapshot, into: command.into })
    case "Clone":
      return one({ _tag: "SnapshotCloned", snapshot, to: command.to })
    case "Delete":
      if (locked || command.unlocked.facts.resource !== snapshot)
        return Either.left(new Rejected({ command: "Delete", in: "Locked" }))
      return one({
        _tag: "SnapshotDeleted",
        snapshot,
        cause: "asked",
        evidence: told(command.consent, command.owned, command.unlocked)
      })
  }
}

const expired = ({ expiresAt, snapshot }: Kept, now: number): Decision =>
  expiresAt === null || now < expiresAt
    ? nothing
    : one({ _tag: "SnapshotDeleted", snapshot, cause: "ttl", evidence: [] })

/** What was made of it while it was being deleted was made all the same. */
const afterwards = ({ snapshot }: Known, command: Command): Decision | undefined => {
  if (command._tag === "Restore") return one({ _tag: "SnapshotRestored", snapshot, into: command.into })
  if (command._tag === "Clone") return one({ _tag: "SnapshotCloned", snapshot, to: command.to })
  return command._tag === "Delete" ? nothing : undefined
}

export const decide = (state: State, command: Command): Decision => {
  const reject = () => Either.left(new Rejected({ command: command._tag, in: state._tag }))
  if (command._tag === "Take")
    return state._tag === "Absent" ? one({ _tag: "SnapshotTaken", ...command.taken }) : reject()
  if (command._tag === "Expire") return state._tag === "Kept" ? expired(state, command.now) : nothing
  if (state._tag === "Absent" || !mine(state, command)) return reject()
  if (state._tag === "Kept") return ofOwner(state, command)
  return afterwards(state, command) ?? reject()
}

export const evolve = (state: State, event: SnapshotEvent): State => {
  if (event._tag === "SnapshotTaken") {
    const { expiresAt, owner, snapshot } = event
    return State.Kept({ snapshot, owner, expiresAt, locked: false })
  }
  if (state._tag !== "Kept") return state
  switch (event._tag) {
    case "SnapshotLocked":
      return State.Kept({ ...state, locked: true })
    case "SnapshotUnlocked":
      return State.Kept({ ...state, locked: false })
    case "SnapshotDeleted":
      return State.Gone({ snapshot: state.snapshot, owner: state.owner })
    case "SnapshotRestored":
    case "SnapshotCloned":
      return state
  }
}
