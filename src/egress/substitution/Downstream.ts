/** The container's side of an intercepted connection: TLS ends here, with a certificate of this server's own. */
import type { Socket } from "node:net"
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls"
import { Clock, Data, Effect, type Scope } from "effect"
import { Authority } from "../../store/certificates/Authority.js"

/** It did not get as far as a request: it left, or does not believe the authority. */
export class Unsettled extends Data.TaggedError("Unsettled")<{}> {}

const WITHIN = "10 seconds"
/** Hosts whose certificates are kept; when there are more, the oldest goes. */
const LEAVES = 256
/** One that ends sooner is made anew. */
const LEFT_MILLIS = 3_600_000

interface Kept {
  readonly context: SecureContext
  readonly until: number
}

const settled = (socket: TLSSocket) =>
  Effect.async<TLSSocket, Unsettled>((resume) => {
    const left = () => resume(new Unsettled())
    socket.once("error", left).once("close", left)
    socket.once("secure", () => {
      socket.off("close", left)
      resume(Effect.succeed(socket))
    })
  }).pipe(Effect.timeoutFail({ duration: WITHIN, onTimeout: () => new Unsettled() }))

const ending = (socket: Socket, secureContext: SecureContext) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const over = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ["http/1.1"] })
      // Its end is seen by whoever uses it; an error that nobody listens to must not be the end of the process.
      return over.on("error", () => over.destroy())
    }),
    (over) => Effect.sync(() => over.destroy())
  )

export const make = Effect.map(Authority, (authority) => {
  const leaves = new Map<string, Kept>()

  const leaf = (host: string) =>
    Effect.gen(function* () {
      const found = leaves.get(host)
      const now = yield* Clock.currentTimeMillis
      if (found !== undefined && found.until - now > LEFT_MILLIS) return found.context
      const { certificate, key, until } = yield* authority.vouch(host)
      const context = createSecureContext({ key, cert: certificate, minVersion: "TLSv1.2" })
      leaves.delete(host)
      leaves.set(host, { context, until })
      const [oldest] = leaves.keys()
      if (leaves.size > LEAVES && oldest !== undefined) leaves.delete(oldest)
      return context
    })

  /** Ready before the container is told that it is connected. */
  const prepare = Effect.fnUntraced(function* (host: string) {
    const context = yield* leaf(host)
    return (socket: Socket): Effect.Effect<TLSSocket, Unsettled, Scope.Scope> =>
      Effect.flatMap(ending(socket, context), settled)
  })
  return { prepare }
})
