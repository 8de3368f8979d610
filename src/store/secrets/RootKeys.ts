/** The root key as an operator sees it (port): which generation it is, where it comes from, and a new one in its place. */
import { Context, Data, type Effect } from "effect"
import type { DataRefused } from "../../log/Database.js"
import type { StoreUnavailable } from "../Blobs.js"

/** `code` is for programs, `message` names the fix. */
export class RotationRefused extends Data.TaggedError("RotationRefused")<{
  readonly reason: { readonly code: string; readonly message: string }
}> {}

interface RootKeyShown {
  readonly generation: number
  readonly secrets: number
  readonly source: "environment" | "file"
  /** The file's path, or the variable's name. */
  readonly place: string
  /** A rotation was begun and not ended: some secrets are wrapped under an older generation. */
  readonly rotating: boolean
}

export interface Rotated {
  readonly generation: number
  /** Data keys that were wrapped anew by this call. */
  readonly rewrapped: number
}

export class RootKeys extends Context.Tag("store/secrets/RootKeys")<
  RootKeys,
  {
    readonly show: Effect.Effect<RootKeyShown, StoreUnavailable | DataRefused>
    /**
     * Resolves once no secret needs the former root key and its file is destroyed. Goes on with a rotation that was
     * begun. A failure leaves everything readable, and it may be asked for again.
     */
    readonly rotate: Effect.Effect<Rotated, StoreUnavailable | DataRefused | RotationRefused>
  }
>() {}
