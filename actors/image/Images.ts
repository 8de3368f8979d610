/** The door to images (port): published, shared with others, cloned, started as services, deleted. */
import { Context, Data, type Effect } from "effect"
import type { Digest, PublicKey, ServiceId } from "../../events/Ids.js"
import type { Visibility } from "../../events/Image.js"
import type { Layer, Origin } from "../../events/Layer.js"
import type { Consent } from "../../src/guards/Consent.js"
import type { Permit } from "../../src/guards/Guard.js"
import type { ImageOrder } from "../../src/guards/ImageOrder.js"
import type { Trust } from "../../src/guards/ImageTrusted.js"
import type { Ownership } from "../../src/guards/ResourceOwned.js"
import type { Lock } from "../../src/guards/ResourceUnlocked.js"
import type { ImageView } from "../../src/projections/ImageTable.js"
import type { Asked, Unwilling } from "../snapshot/Snapshots.js"

export type Owned = Permit<"D17", Ownership<"image">>
export type Unlocked = Permit<"D20", Lock<"image">>
export type Trusted = Permit<"D18", Trust>
export type Consented = Consent<"image">

/** What it is made of: a snapshot's layer is shared, a service's is packed, an import's was just made. */
export type Of = Data.TaggedEnum<{
  Service: { readonly owned: Permit<"D17", Ownership<"service">>; readonly origin: Origin }
  Snapshot: { readonly owned: Permit<"D17", Ownership<"snapshot">> }
  Layer: { readonly layer: Layer; readonly origin: Origin }
}>
export const Of = Data.taggedEnum<Of>()

export interface Submission {
  readonly order: Permit<"D11", ImageOrder>
  readonly of: Of
}

export class Images extends Context.Tag("actors/Images")<
  Images,
  {
    /** Resolves once it is durable. */
    readonly publish: (submission: Submission, asked: Asked) => Effect.Effect<ImageView, Unwilling>
    /** Another image of the same layer, the caller's and private. */
    readonly clone: (
      trusted: Trusted,
      order: Permit<"D11", ImageOrder>,
      asked: Asked
    ) => Effect.Effect<ImageView, Unwilling>
    /** `create` makes a service that begins with the layer it is given; then it is recorded. */
    readonly spawn: <E, R>(
      trusted: Trusted,
      create: (layer: Digest) => Effect.Effect<ServiceId, E, R>,
      asked: Asked
    ) => Effect.Effect<ServiceId, E | Unwilling, R>
    readonly show: (
      owned: Owned,
      consent: Consented,
      visibility: Visibility,
      asked: Asked
    ) => Effect.Effect<void, Unwilling>
    readonly grant: (owned: Owned, consent: Consented, key: PublicKey, asked: Asked) => Effect.Effect<void, Unwilling>
    readonly revoke: (owned: Owned, consent: Consented, key: PublicKey, asked: Asked) => Effect.Effect<void, Unwilling>
    readonly transfer: (
      owned: Owned,
      unlocked: Unlocked,
      consent: Consented,
      to: PublicKey,
      asked: Asked
    ) => Effect.Effect<void, Unwilling>
    readonly lock: (owned: Owned, asked: Asked) => Effect.Effect<void, Unwilling>
    readonly unlock: (owned: Owned, consent: Consented, asked: Asked) => Effect.Effect<void, Unwilling>
    readonly delete: (
      owned: Owned,
      unlocked: Unlocked,
      consent: Consented,
      asked: Asked
    ) => Effect.Effect<void, Unwilling>
  }
>() {}
