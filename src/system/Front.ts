/** The services' public face in the tree: where visitors of services come in. */
import { Deferred, Effect, Layer, Option } from "effect"
import type { Settings } from "../cli/Settings.js"
import * as Proxy from "../proxy/Proxy.js"
import * as ServiceDestinations from "../proxy/ServiceDestinations.js"
import type { Secure } from "../tls/Secure.js"
import type { Shares } from "./Descriptors.js"

interface Front {
  /** Where it really listens. */
  readonly port: Effect.Effect<number>
  /** As it is to be supervised. */
  readonly child: { readonly name: "proxy"; readonly start: Effect.Effect<never, Proxy.ProxyCannotListen> }
}

/** Nobody chose: beside the API when that is free, so that the address is the same after a restart. */
const preferred = ({ port, proxyPort }: Settings): readonly [number, ...ReadonlyArray<number>] => {
  if (proxyPort !== null) return [proxyPort]
  return port === 0 || port === 65_535 ? [0] : [port + 1, 0]
}

export const make = (settings: Settings, secure: Secure | undefined, shares: Shares) =>
  Effect.gen(function* () {
    const bound = yield* Deferred.make<number>()
    const destinations = yield* Layer.build(ServiceDestinations.layer(settings.domain))
    const start = Effect.gen(function* () {
      const first = yield* Effect.transposeOption(yield* Deferred.poll(bound))
      // A restart listens where the first start did.
      const ports = Option.match(first, { onNone: () => preferred(settings), onSome: (port) => [port] as const })
      const { port, run } = yield* Proxy.start({
        host: settings.host,
        ports,
        maxConnections: shares.proxy,
        publicConnections: shares.publicPorts,
        ...(secure === undefined ? {} : { secure })
      })
      yield* Deferred.succeed(bound, port)
      return yield* run
    }).pipe(Effect.scoped, Effect.provide(destinations))
    return { port: Deferred.await(bound), child: { name: "proxy", start } } satisfies Front
  })
