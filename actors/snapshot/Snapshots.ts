/** The door to snapshots (port): taken of a session or a service, put back, cloned, deleted. */
import { Context, Data, type Effect } from "effect"
import type { Digest, PublicKey } from "../../events/Ids.js"
import type { Origin } from "../../events/Layer.js"
import type { Place } from "../../events/Snapshot.js"
import type { Consent } from "../../src/guards/Consent.js"
import type { Permit, Refused } from "../../src/guards/Guard.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"
import type { Lock } from "../../src/guards/ResourceUnlocked.js"
import type { SnapshotOrder } from "../../src/guards/SnapshotOrder.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { SnapshotView } from "../../src/projections/SnapshotTable.js"
import type { StoreUnavailable } from "../../src/store/Blobs.js"

export type Owned = Permit<"D17", Ownership<"snapshot">>
export type Unlocked = Permit<"D20", Lock<"snapshot">>
export type Consented = Consent<"snapshot">

/** What it is taken of. */
export type Source = Data.TaggedEnum<{
  Session: { readonly owned: Permit<"D17", Ownership<"session">> }
  Service: { readonly owned: Permit<"D17", Ownership<"service">> }
}>
export const Source = Data.taggedEnum<Source>()

interface Replacing<K extends "session" | "service"> {
  readonly owned: Permit<"D17", Ownership<K>>
  readonly unlocked: Permit<"D20", Lock<K>>
  readonly consent: Consent<K>
}

/** What it replaces. */
export type Target = Data.TaggedEnum<{
  Session: Replacing<"session">
  Service: Replacing<"service">
}>
export const Target = Data.taggedEnum<Target>()

export type Unwilling = Refused | LogUnavailable | StoreUnavailable

/** Who asks, in the words of the log. */
export interface Asked {
  readonly by: PublicKey
  readonly trace: string
}

export interface Submission {
  readonly source: Source
  readonly order: Permit<"D11", SnapshotOrder>
  readonly origin: Origin
}

export class Snapshots extends Context.Tag("actors/Snapshots")<
  Snapshots,
  {
    /** Resolves once it is durable: its layer, then the fact. Its source is frozen meanwhile unless the order says hot. */
    readonly take: (submission: Submission, asked: Asked) => Effect.Effect<SnapshotView, Unwilling>
    readonly lock: (owned: Owned, asked: Asked) => Effect.Effect<void, Unwilling>
    readonly unlock: (owned: Owned, consent: Consented, asked: Asked) => Effect.Effect<void, Unwilling>
    readonly delete: (
      owned: Owned,
      unlocked: Unlocked,
      consent: Consented,
      asked: Asked
    ) => Effect.Effect<void, Unwilling>
    /** Puts its content in the place of what is there: all of it or nothing. Resolves when that is done and recorded. */
    readonly restore: (owned: Owned, into: Target, asked: Asked) => Effect.Effect<void, Unwilling>
    /** `open` makes the clone, which begins with the layer that it is given; then it is recorded. */
    readonly clone: <P extends Place, E, R>(
      owned: Owned,
      open: (layer: Digest) => Effect.Effect<P, E, R>,
      asked: Asked
    ) => Effect.Effect<P, E | Unwilling, R>
    /** Deletes those that are past their time; resolves with how many. */
    readonly expire: Effect.Effect<number, Unwilling>
  }
>() {}
