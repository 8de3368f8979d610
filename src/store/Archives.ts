/** Layers as archives that other tools read and write (port): an OCI image layout in a tar. */
import type { Readable } from "node:stream"
import { Context, Data, type Effect, type Scope, type Stream } from "effect"
import type { Digest } from "../../events/Ids.js"
import type { StoreUnavailable } from "./Blobs.js"
import type { Layer, LayerRefused } from "./Layers.js"

/** It is not taken, and nothing of it was kept. */
export class ArchiveRefused extends Data.TaggedError("ArchiveRefused")<{
  /** A machine word such as `archive_traversal`. */
  readonly code: string
  /** Fit for callers. */
  readonly message: string
  readonly tooLarge?: boolean
}> {}

/** Whoever sends it, and what it says that it sends. */
export interface Sending {
  readonly source: Readable
  /** Of the whole archive. */
  readonly digest: Digest
}

interface Imported {
  readonly layer: Layer
  /** Entries that no volume has a place for, left out because the caller allowed that. */
  readonly skipped: number
}

interface Exported {
  /** Of the whole archive. */
  readonly bytes: number
  readonly content: Stream.Stream<Uint8Array, LayerRefused | StoreUnavailable>
}

export interface Described {
  readonly name: string
  readonly createdMillis: number
}

export class Archives extends Context.Tag("store/Archives")<
  Archives,
  {
    /**
     * Resolves once what was sent is a layer, held until the scope closes. Nothing of it is in memory, and nothing runs.
     * How long it may take to come in is up to the source, and how many come in at once to who asks.
     * `partial`: what lies outside of a volume's directories is left out instead of refused.
     */
    readonly read: (
      sending: Sending,
      partial: boolean
    ) => Effect.Effect<Imported, ArchiveRefused | LayerRefused | StoreUnavailable, Scope.Scope>
    readonly write: (layer: Layer, about: Described) => Effect.Effect<Exported, LayerRefused | StoreUnavailable>
  }
>() {}
