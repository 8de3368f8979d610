/** The root key as an operator sees it: looked at and rotated, over the socket and straight on the store. */
import { type Context, Effect } from "effect"
import type { VaultRoot } from "../../actors/node/VaultRoot.js"
import { type Declined, declined } from "./Declined.js"
import { OPERATOR } from "./Operator.js"
import type { VaultRotated, VaultShown } from "./VaultControl.js"

export interface VaultDesk {
  /** Never the key. */
  readonly show: Effect.Effect<VaultShown, Declined>
  /** Resolves once nothing needs the former root key and it is destroyed. */
  readonly rotate: Effect.Effect<VaultRotated, Declined>
}

export const of = ({ rotate, show }: Context.Tag.Service<VaultRoot>): VaultDesk => ({
  show: Effect.mapError(show, declined),
  rotate: Effect.mapError(rotate(OPERATOR), declined)
})
