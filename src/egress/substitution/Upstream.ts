/** TLS to a host that values go to: its certificate is judged before anything is sent. */
import type { Socket } from "node:net"
import { connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls"
import { Effect, type Scope } from "effect"
import { Unreached } from "../Dialing.js"

const WITHIN = "10 seconds"

const untrusted = (error: Error) => {
  const code = "code" in error ? String(error.code) : error.name
  return new Unreached({ status: 502, reason: `its certificate or its TLS is not accepted (${code})` })
}

const late = () => new Unreached({ status: 504, reason: "it did not answer in time" })

const begun = (socket: Socket, host: string, secureContext: SecureContext): TLSSocket =>
  connect({ socket, host, servername: host, secureContext, rejectUnauthorized: true, ALPNProtocols: ["http/1.1"] })

const secured = (socket: TLSSocket) =>
  Effect.async<TLSSocket, Unreached>((resume) => {
    socket.once("error", (error) => resume(untrusted(error)))
    socket.once("close", () => resume(new Unreached({ status: 502, reason: "it broke off" })))
    socket.once("secureConnect", () =>
      resume(socket.authorized ? Effect.succeed(socket) : untrusted(socket.authorizationError))
    )
  })

/** `roots` as PEM: reading them costs some ten milliseconds, so it is done once. Ends with the scope. */
export const make = (roots: () => string) => {
  let context: SecureContext | undefined
  return (socket: Socket, host: string): Effect.Effect<TLSSocket, Unreached, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => {
        context ??= createSecureContext({ ca: roots(), minVersion: "TLSv1.2" })
        const over = begun(socket, host, context)
        // Its end is seen by whoever uses it; an error that nobody listens to must not be the end of the process.
        return over.on("error", () => over.destroy())
      }),
      (over) => Effect.sync(() => over.destroy())
    ).pipe(Effect.flatMap(secured), Effect.timeoutFail({ duration: WITHIN, onTimeout: late }))
}
