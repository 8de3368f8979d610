/** The lists of the way out, as an operator sees and changes them. */
import { type Context, Effect } from "effect"
import type { Change, EgressPolicies } from "../../actors/egress/EgressPolicies.js"
import type { EgressLists, EgressShown } from "./Control.js"
import { type Declined, declined } from "./Declined.js"
import { OPERATOR } from "./Operator.js"

export interface EgressDesk {
  readonly show: Effect.Effect<EgressShown, Declined>
  /** Resolves once it holds for new connections, and those that it refuses are being closed. */
  readonly change: (change: Change) => Effect.Effect<EgressLists, Declined>
}

export const of = ({ change, closedPorts, list }: Context.Tag.Service<EgressPolicies>): EgressDesk => ({
  show: Effect.mapBoth(list, { onFailure: declined, onSuccess: (lists) => ({ lists, closedPorts }) }),
  change: (asked) => Effect.mapError(change(asked, OPERATOR), declined)
})
