/** Contents of volumes, kept by digest (port): one deterministic tar each, which is an OCI layer as it lies there. */
import { Context, Data, type Effect, type Scope } from "effect"
import type { Digest } from "../../events/Ids.js"
import type { StoreUnavailable } from "./Blobs.js"

export interface Layer {
  /** Of the uncompressed tar; OCI's diff id. */
  readonly digest: Digest
  /** Of the uncompressed tar. */
  readonly bytes: number
  /** On disk, compressed. */
  readonly stored: number
  readonly files: number
}

/** What is on disk of a layer: the gzip of it, as an OCI blob. */
export interface Stored {
  readonly path: string
  readonly digest: Digest
  readonly bytes: number
}

export type Unfit =
  /** More bytes or files than a layer may have. */
  | "too-large"
  /** Something in it that no layer may hold: a device, a name too long. */
  | "unfit"
  /** The disk has no room beside its reserve. */
  | "no-room"
  /** Too many are being made or unpacked. */
  | "busy"
  /** Not there, or not what its digest says. */
  | "missing"
  | "damaged"

/** It cannot be made or unpacked; nothing was left half-done. The message is fit for callers. */
export class LayerRefused extends Data.TaggedError("LayerRefused")<{
  readonly why: Unfit
  readonly message: string
  /** For the log and never for callers. */
  readonly note?: string
}> {}

/** Keeps what was captured. */
type Captured = Effect.Effect<Layer, LayerRefused | StoreUnavailable, Scope.Scope>

export class Layers extends Context.Tag("store/Layers")<
  Layers,
  {
    /** One of the few turns at packing, until the scope closes; to be had before anything is made to stand still for it, unless it is `changing`. */
    readonly turn: (changing: boolean) => Effect.Effect<void, LayerRefused, Scope.Scope>
    /**
     * Keeps the `home`, `tmp` and `srv` of a directory that nobody writes to. Resolves once durable; the same content is kept
     * once. No sweep takes it before the scope closes: by then something that the log knows refers to it, or nothing ever will.
     */
    readonly pack: (directory: string) => Captured
    /**
     * The same in two steps. Resolves when the directory may change again, or go, with the rest of it, which is to be run
     * within the scope. `changing`: whoever writes there does so meanwhile.
     */
    readonly capture: (
      directory: string,
      changing: boolean
    ) => Effect.Effect<Captured, LayerRefused | StoreUnavailable, Scope.Scope>
    /** Fills an empty directory that nobody else can reach. Resolves when all of it is there and is what the digest says. */
    readonly unpack: (digest: Digest, directory: string) => Effect.Effect<void, LayerRefused | StoreUnavailable>
    /** No sweep takes it before the scope closes. */
    readonly retain: (digest: Digest) => Effect.Effect<void, never, Scope.Scope>
    /** For whoever sends it elsewhere; to be asked within `retain`. */
    readonly stored: (digest: Digest) => Effect.Effect<Stored, LayerRefused | StoreUnavailable>
    /**
     * Removes what has been unreferenced for a while, and resolves with how many. A failing `referenced` keeps its layer:
     * what is not known to be free stays.
     */
    readonly sweep: <E, R>(
      referenced: (digest: Digest) => Effect.Effect<boolean, E, R>
    ) => Effect.Effect<number, StoreUnavailable, R>
  }
>() {}
