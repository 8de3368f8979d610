/** What an operator's command line asks of a running server. */
import { Rpc, RpcGroup } from "@effect/rpc"
import { Schema } from "effect"
import { Row } from "../../events/Envelope.js"
import { Micros, PublicKey } from "../../events/Ids.js"

/** `code` is for programs, `message` names the fix. */
export class Declined extends Schema.TaggedError<Declined>()("Declined", {
  code: Schema.String,
  message: Schema.String
}) {}

export const Key = Schema.Struct({
  key: PublicKey,
  label: Schema.String,
  status: Schema.Literal("active", "suspended", "revoked"),
  expiresAt: Schema.NullOr(Micros),
  createdAt: Micros
})
export type Key = typeof Key.Type

export const Pair = Schema.Struct({ publicKey: PublicKey, secretKey: Schema.String })
export type Pair = typeof Pair.Type

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

export const Pool = Schema.Struct({
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

const Change = { key: PublicKey, reason: Schema.String }

const KeyControl = RpcGroup.make(
  Rpc.make("create", {
    payload: { label: Schema.String, expiresAt: Schema.NullOr(Micros) },
    success: Pair,
    error: Declined
  }),
  Rpc.make("list", { success: Schema.Array(Key), error: Declined }),
  Rpc.make("suspend", { payload: Change, error: Declined }),
  Rpc.make("resume", { payload: { key: PublicKey }, error: Declined }),
  Rpc.make("revoke", { payload: Change, error: Declined })
).prefix("keys.")

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

export class Control extends RpcGroup.make().merge(KeyControl, EgressControl, SystemControl) {}
