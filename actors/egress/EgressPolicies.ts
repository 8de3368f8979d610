/** The door to the lists of the way out (port): they are shown, and changed while everything runs. */
import { Context, Data, type Effect } from "effect"
import type { PublicKey } from "../../events/Ids.js"
import type { LogUnavailable } from "../../src/log/EventLog.js"
import type { Listed, Lists } from "../../src/projections/EgressTable.js"

export type Verb = "allow" | "deny" | "clear"

export interface Change {
  /** Null: the server. */
  readonly key: PublicKey | null
  readonly verb: Verb
  /** As an operator writes them. */
  readonly rules: ReadonlyArray<string>
}

/** Nothing was changed; the reason names the fix. */
export class PolicyRefused extends Data.TaggedError("PolicyRefused")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

export class EgressPolicies extends Context.Tag("actors/EgressPolicies")<
  EgressPolicies,
  {
    /** Durable when it resolves with the lists as they are now; new connections and established ones follow at once. */
    readonly change: (change: Change, by: string) => Effect.Effect<Lists, LogUnavailable | PolicyRefused>
    readonly list: Effect.Effect<ReadonlyArray<Listed>, LogUnavailable>
    /** Ports that nobody reaches, by the server's setting. */
    readonly closedPorts: ReadonlyArray<number>
  }
>() {}
