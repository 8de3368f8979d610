/** What an operator's command line asks of a running server. */
import { Rpc, RpcGroup } from "@effect/rpc"
import { Schema } from "effect"
import { Row } from "../../events/Envelope.js"
import { PublicKey } from "../../events/Ids.js"
import { Declined } from "./Declined.js"
import { KeyControl } from "./KeyControl.js"
import { OtpControl } from "./OtpControl.js"
import { VaultControl } from "./VaultControl.js"

export { Declined } from "./Declined.js"

/** One supervisor or child; `path` is its place in the tree. */
export const Node = Schema.Struct({
  path: Schema.String,
  kind: Schema.String,
  state: Schema.String,
  restarts: Schema.Int,
  since: Schema.Number,
  detail: Schema.String
})
export type Node = typeof Node.Type

const Pool = Schema.Struct({
  id: Schema.String,
  enabled: Schema.Boolean,
  target: Schema.Int,
  maximum: Schema.Int,
  idle: Schema.Int,
  spawning: Schema.Int,
  busy: Schema.Int,
  waiting: Schema.Int,
  circuit: Schema.String
})

const Rules = Schema.Array(Schema.String)

export const EgressLists = Schema.Struct({ allow: Rules, deny: Rules })
export type EgressLists = typeof EgressLists.Type

/** Lists that have something in them; `key` null: the server's own. */
export const EgressShown = Schema.Struct({
  lists: Schema.Array(Schema.Struct({ key: Schema.NullOr(PublicKey), ...EgressLists.fields })),
  closedPorts: Schema.Array(Schema.Int)
})
export type EgressShown = typeof EgressShown.Type

const EgressControl = RpcGroup.make(
  Rpc.make("show", { success: EgressShown, error: Declined }),
  Rpc.make("change", {
    payload: {
      key: Schema.NullOr(PublicKey),
      verb: Schema.Literal("allow", "deny", "clear"),
      rules: Rules.pipe(Schema.maxItems(256))
    },
    success: EgressLists,
    error: Declined
  })
).prefix("egress.")

const SystemControl = RpcGroup.make(
  Rpc.make("tree", { success: Schema.Array(Node) }),
  Rpc.make("pools", { success: Schema.Array(Pool) }),
  /** Rows after `after`, then live ones for ever. */
  Rpc.make("events", { payload: { after: Schema.NonNegativeInt }, success: Row, error: Declined, stream: true })
).prefix("system.")

export class Control extends RpcGroup.make().merge(
  KeyControl,
  OtpControl,
  VaultControl,
  EgressControl,
  SystemControl
) {}
