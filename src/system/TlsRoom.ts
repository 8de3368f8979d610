/** Certificates in the tree: who listens with them, and what keeps them new. */
import { Effect } from "effect"
import type { Settings } from "../cli/Settings.js"
import type { CertificateRefused } from "../tls/Certificate.js"
import * as Secure from "../tls/Secure.js"

export interface TlsRoom {
  /** As the API's options have it. */
  readonly api: { readonly secure?: Secure.Secure }
  /** Undefined: visitors of services come in plain, or through something that ends TLS in front. */
  readonly proxy: Secure.Secure | undefined
  readonly children: ReadonlyArray<{ readonly name: "certificate"; readonly start: Effect.Effect<never> }>
}

const plain: TlsRoom = { api: {}, proxy: undefined, children: [] }

/** Fails when the pair that was chosen is not good now. */
export const make = ({ proxyTls, tlsCert, tlsKey }: Settings): Effect.Effect<TlsRoom, CertificateRefused> =>
  tlsCert === null || tlsKey === null
    ? Effect.succeed(plain)
    : Effect.map(Secure.make({ cert: tlsCert, key: tlsKey }), (secure) => ({
        api: { secure },
        proxy: proxyTls ? secure : undefined,
        children: [{ name: "certificate", start: secure.keep }]
      }))
