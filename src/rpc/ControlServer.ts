/** Answers an operator's questions on a UNIX socket that only its owner can open. */
import { chmodSync } from "node:fs"
import { NodeSocketServer } from "@effect/platform-node"
import { RpcSerialization, RpcServer } from "@effect/rpc"
import { Effect, Layer, Stream } from "effect"
import { EgressPolicies } from "../../actors/egress/EgressPolicies.js"
import { Keys } from "../../actors/key/Keys.js"
import { Pools } from "../../actors/pool/Pools.js"
import { Tree } from "../kernel/Tree.js"
import { EventLog } from "../log/EventLog.js"
import { Control } from "./Control.js"
import * as ControlSocket from "./ControlSocket.js"
import * as EgressDesk from "./EgressDesk.js"
import * as KeyDesk from "./KeyDesk.js"

const handlers = Control.toLayer(
  Effect.gen(function* () {
    const desk = KeyDesk.of(yield* Keys)
    const egress = EgressDesk.of(yield* EgressPolicies)
    const tree = yield* Tree
    const pools = yield* Pools
    const log = yield* EventLog
    return {
      "keys.create": ({ label, expiresAt }) => desk.create(label, expiresAt),
      "keys.list": () => desk.list,
      "keys.suspend": ({ key, reason }) => desk.suspend(key, reason),
      "keys.resume": ({ key }) => desk.resume(key),
      "keys.revoke": ({ key, reason }) => desk.revoke(key, reason),
      "egress.show": () => egress.show,
      "egress.change": (change) => egress.change(change),
      "system.tree": () =>
        Effect.map(tree.snapshot, (nodes) =>
          nodes.map(({ detail, ...node }) => ({ ...node, detail: detail?.() ?? "" }))
        ),
      "system.pools": () => pools.status,
      "system.events": ({ after }) => log.tail(after).pipe(Stream.mapError(KeyDesk.declined))
    }
  })
)

/** Node makes the socket with the process's umask: its private directory keeps others out until the mode is set. */
const socket = (path: string) =>
  NodeSocketServer.layer({ path }).pipe(Layer.tap(() => Effect.sync(() => chmodSync(path, 0o600))))

/** Listens once built; connections end with the layer. */
export const layer = (data: string) => {
  const path = ControlSocket.pathOf(data)
  return RpcServer.layer(Control, { disableTracing: true }).pipe(
    Layer.provide(handlers),
    Layer.provide(RpcServer.layerProtocolSocketServer),
    Layer.provide([
      RpcSerialization.layerNdjson,
      Layer.unwrapEffect(Effect.as(ControlSocket.prepare(path), socket(path)))
    ])
  )
}
