/** Answers an operator's questions on a UNIX socket that only its owner can open. */
import { chmodSync } from "node:fs"
import { NodeSocketServer } from "@effect/platform-node"
import { RpcSerialization, RpcServer } from "@effect/rpc"
import { Effect, Layer, Stream } from "effect"
import { Confirmations } from "../../actors/confirmation/Confirmations.js"
import { Contacts } from "../../actors/confirmation/Contacts.js"
import { EgressPolicies } from "../../actors/egress/EgressPolicies.js"
import { Keys } from "../../actors/key/Keys.js"
import { VaultRoot } from "../../actors/node/VaultRoot.js"
import { Pools } from "../../actors/pool/Pools.js"
import { Tree } from "../kernel/Tree.js"
import { EventLog } from "../log/EventLog.js"
import { Control } from "./Control.js"
import * as ControlSocket from "./ControlSocket.js"
import { declined } from "./Declined.js"
import * as EgressDesk from "./EgressDesk.js"
import * as KeyDesk from "./KeyDesk.js"
import * as OtpDesk from "./OtpDesk.js"
import * as VaultDesk from "./VaultDesk.js"

const handlers = Control.toLayer(
  Effect.gen(function* () {
    const desk = KeyDesk.of(yield* Keys)
    const vault = VaultDesk.of(yield* VaultRoot)
    const egress = EgressDesk.of(yield* EgressPolicies)
    const otp = OtpDesk.of(yield* Confirmations, yield* Contacts)
    const tree = yield* Tree
    const pools = yield* Pools
    const log = yield* EventLog
    return {
      "keys.create": (order) => desk.create(order),
      "keys.list": () => desk.list,
      "keys.suspend": ({ key, reason }) => desk.suspend(key, reason),
      "keys.resume": ({ key }) => desk.resume(key),
      "keys.revoke": ({ key, reason }) => desk.revoke(key, reason),
      "keys.extend": ({ key, expiresAt }) => desk.extend(key, expiresAt),
      "keys.limit": ({ key, grants }) => desk.limit(key, grants),
      "keys.confirm": ({ key, confirm }) => desk.confirm(key, confirm),
      "vault.show": () => vault.show,
      "vault.rotate": () => vault.rotate,
      "egress.show": () => egress.show,
      "egress.change": (change) => egress.change(change),
      "otp.pending": () => otp.pending,
      "otp.contacts": () => otp.contacts,
      "otp.contact": ({ key, ...addresses }) => otp.contact(key, addresses),
      "otp.enrol": ({ key }) => otp.enrol(key),
      "otp.confirm": ({ code, key }) => otp.confirm(key, code),
      "otp.remove": ({ key }) => otp.remove(key),
      "system.tree": () =>
        Effect.map(tree.snapshot, (nodes) =>
          nodes.map(({ detail, ...node }) => ({ ...node, detail: detail?.() ?? "" }))
        ),
      "system.pools": () => pools.status,
      "system.events": ({ after }) => log.tail(after).pipe(Stream.mapError(declined))
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
