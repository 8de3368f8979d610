/** The command line's side of the control socket. */
import { connect } from "node:net"
import { NodeSocket } from "@effect/platform-node"
import { RpcClient, RpcSerialization } from "@effect/rpc"
import { Effect, Layer, Stream } from "effect"
import type { Row } from "../../events/Envelope.js"
import { Control, Declined, type Node } from "./Control.js"
import * as ControlSocket from "./ControlSocket.js"
import type { EgressDesk } from "./EgressDesk.js"
import type { KeyDesk } from "./KeyDesk.js"
import type { OtpDesk } from "./OtpDesk.js"
import type { VaultDesk } from "./VaultDesk.js"

interface ControlClient {
  readonly keys: KeyDesk
  readonly vault: VaultDesk
  readonly egress: EgressDesk
  readonly otp: OtpDesk
  readonly tree: Effect.Effect<ReadonlyArray<Node>, Declined>
  /** Rows after `after`, then live ones until the server stops. */
  readonly events: (after: number) => Stream.Stream<typeof Row.Type, Declined>
}

/** Whether a server answers on this data directory; a socket file that a killed one left does not. */
export const running = (data: string): Effect.Effect<boolean> =>
  Effect.async<boolean>((resume) => {
    const socket = connect(ControlSocket.pathOf(data))
    const answer = (up: boolean) => {
      socket.destroy()
      resume(Effect.succeed(up))
    }
    socket.once("connect", () => answer(true)).once("error", () => answer(false))
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.timeoutTo({ duration: "5 seconds", onTimeout: () => false, onSuccess: (up) => up }))

const lost = (error: unknown): Declined =>
  error instanceof Declined ? error : new Declined({ code: "server_lost", message: `the server went away: ${error}` })

/** Long enough to wrap a million data keys anew. */
const ROTATED_WITHIN = "30 minutes"

const bounded = <A, E, R>(call: Effect.Effect<A, E, R>, within: "30 seconds" | typeof ROTATED_WITHIN = "30 seconds") =>
  call.pipe(
    Effect.mapError(lost),
    Effect.timeoutFail({
      duration: within,
      onTimeout: () => new Declined({ code: "timeout", message: `the server did not answer within ${within}` })
    })
  )

const transport = (data: string) =>
  RpcClient.layerProtocolSocket().pipe(
    Layer.provide([NodeSocket.layerNet({ path: ControlSocket.pathOf(data) }), RpcSerialization.layerNdjson])
  )

/** A client of the server that runs on `data`; closed with the scope. */
export const make = Effect.fnUntraced(function* (data: string) {
  const protocol = yield* Layer.build(transport(data)).pipe(Effect.mapError(lost))
  const rpc = yield* RpcClient.make(Control, { disableTracing: true }).pipe(Effect.provide(protocol))
  const client: ControlClient = {
    keys: {
      create: (order) => bounded(rpc.keys.create(order)),
      list: bounded(rpc.keys.list()),
      suspend: (key, reason) => bounded(rpc.keys.suspend({ key, reason })),
      resume: (key) => bounded(rpc.keys.resume({ key })),
      revoke: (key, reason) => bounded(rpc.keys.revoke({ key, reason })),
      extend: (key, expiresAt) => bounded(rpc.keys.extend({ key, expiresAt })),
      limit: (key, grants) => bounded(rpc.keys.limit({ key, grants })),
      confirm: (key, confirm) => bounded(rpc.keys.confirm({ key, confirm }))
    },
    vault: { show: bounded(rpc.vault.show()), rotate: bounded(rpc.vault.rotate(), ROTATED_WITHIN) },
    egress: {
      show: bounded(rpc.egress.show()),
      change: ({ key, rules, verb }) => bounded(rpc.egress.change({ key, rules, verb }))
    },
    otp: {
      pending: bounded(rpc.otp.pending()),
      contacts: bounded(rpc.otp.contacts()),
      contact: (key, { email, webhook }) => bounded(rpc.otp.contact({ key, email, webhook })),
      enrol: (key) => bounded(rpc.otp.enrol({ key })),
      confirm: (key, code) => bounded(rpc.otp.confirm({ key, code })),
      remove: (key) => bounded(rpc.otp.remove({ key }))
    },
    tree: bounded(rpc.system.tree()),
    events: (after) => rpc.system.events({ after }).pipe(Stream.mapError(lost))
  }
  return client
})
