/** The egress proxy's place in the running server. */
import { resolve } from "node:path"
import { Context, Effect, type Scope } from "effect"
import type { Settings } from "../cli/Settings.js"
import * as EgressProxy from "../egress/EgressProxy.js"
import * as ControlSocket from "../rpc/ControlSocket.js"
import * as TrustAnchors from "../store/certificates/TrustAnchors.js"
import type { Shares } from "./Descriptors.js"

/** Of the proxy's socket, as the membrane is told it: the same for every server on that directory. */
export const pathOf = ({ data }: Settings): string => ControlSocket.egressPathOf(resolve(data))

const roots = () => TrustAnchors.believed(process.env.NODE_EXTRA_CA_CERTS)

/** As it is to be supervised. */
export const child = (settings: Settings, { egress: total }: Shares) =>
  Effect.gen(function* () {
    const { egressClosedPorts: closedPorts, egressResolvers: resolvers } = settings
    const context = yield* Effect.context<Effect.Effect.Context<ReturnType<typeof EgressProxy.make>>>()
    const path = pathOf(settings)
    let size = () => 0
    const start = Effect.gen(function* () {
      yield* ControlSocket.prepare(path)
      const proxy = yield* EgressProxy.make({ path, closedPorts, resolvers, roots, total })
      size = proxy.size
      return yield* proxy.run
    })
    const provided = Effect.mapInputContext(start, (own: Context.Context<Scope.Scope>) => Context.merge(context, own))
    return { name: "egress", start: provided, detail: () => `${size()} connections` } as const
  })
