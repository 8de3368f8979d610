/** What an operator's command line asks of a running server about its root key; never the key. */
import { Rpc, RpcGroup } from "@effect/rpc"
import { Schema } from "effect"
import { Declined } from "./Declined.js"

export const VaultShown = Schema.Struct({
  generation: Schema.Positive,
  secrets: Schema.NonNegativeInt,
  source: Schema.Literal("environment", "file"),
  /** The file's path, or the variable's name. */
  place: Schema.String,
  /** A rotation was begun and not ended. */
  rotating: Schema.Boolean
})
export type VaultShown = typeof VaultShown.Type

export const VaultRotated = Schema.Struct({ generation: Schema.Positive, rewrapped: Schema.NonNegativeInt })
export type VaultRotated = typeof VaultRotated.Type

export const VaultControl = RpcGroup.make(
  Rpc.make("show", { success: VaultShown, error: Declined }),
  Rpc.make("rotate", { success: VaultRotated, error: Declined })
).prefix("vault.")
