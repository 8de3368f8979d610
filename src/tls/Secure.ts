/** The certificate in force: what servers listen with, and follow when its files change, without a restart. */
import { constants } from "node:crypto"
import { resolve } from "node:path"
import type { TlsOptions, Server as TlsServer } from "node:tls"
import { Clock, type Duration, Effect, Either, type Scope } from "effect"
import * as Certificate from "./Certificate.js"
import * as Handshakes from "./Handshakes.js"

const HANDSHAKE_MILLIS = 10_000
const LOOK_EVERY = "10 seconds"
const DAY_MILLIS = 86_400_000
/** Said once for each day that is left. */
const WARN_DAYS = 14

export interface Secure {
  /** For a server that is made now. */
  readonly options: () => TlsOptions
  /**
   * From now on, until the scope closes, it presents whatever certificate is in force; then it shakes no more hands. To be
   * asked before it listens.
   */
  readonly follow: (server: TlsServer) => Effect.Effect<void, never, Scope.Scope>
  /** Looks at the files again and again; a pair that is not good leaves the one before in force. Never ends. */
  readonly keep: Effect.Effect<never>
}

const contextOf = ({ cert, key }: Certificate.Certificate) => ({
  cert,
  key,
  minVersion: Certificate.oldest,
  // A handshake costs the server more than its caller: one for each connection.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION
})

/** Fails when the pair is not good now. */
export const make = Effect.fnUntraced(function* (
  written: Certificate.Files,
  lookEvery: Duration.DurationInput = LOOK_EVERY
) {
  const files = { cert: resolve(written.cert), key: resolve(written.key) }
  const servers = new Set<TlsServer>()
  let inForce = yield* Certificate.load(files, yield* Clock.currentTimeMillis)
  let told = ""

  /** What stays as it is is not said again. */
  const tell = (news: string) => {
    if (news === told) return Effect.void
    told = news
    return news === "" ? Effect.void : Effect.logWarning(news)
  }

  const ending = (nowMillis: number): string => {
    const days = Math.floor((inForce.until - nowMillis) / DAY_MILLIS)
    return days < WARN_DAYS ? `the certificate ${files.cert} ends in ${days} days` : ""
  }

  const take = (found: Certificate.Certificate) =>
    Effect.suspend(() => {
      if (found.cert.equals(inForce.cert) && found.key.equals(inForce.key)) return Effect.void
      inForce = found
      for (const server of servers) server.setSecureContext(contextOf(found))
      return Effect.logInfo(`a new certificate is in force, until ${new Date(found.until).toISOString()}`)
    })

  const look = Effect.gen(function* () {
    const nowMillis = yield* Clock.currentTimeMillis
    const found = Certificate.load(files, nowMillis)
    if (Either.isLeft(found))
      return yield* tell(`the certificate before stays in force: ${found.left.path}: ${found.left.reason}`)
    yield* take(found.right)
    yield* tell(ending(nowMillis))
  })

  const secure: Secure = {
    options: () => ({ ...contextOf(inForce), ALPNProtocols: ["http/1.1"], handshakeTimeout: HANDSHAKE_MILLIS }),
    follow: (server) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          server.setSecureContext(contextOf(inForce))
          servers.add(server)
          return Handshakes.of(server)
        }),
        ({ end }) =>
          Effect.sync(() => {
            servers.delete(server)
            end()
          })
      ),
    keep: Effect.forever(Effect.delay(look, lookEvery))
  }
  return secure
})
