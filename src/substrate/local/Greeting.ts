/** The first words with a spawner: who it is, whether we go on with it, and what it has. */
import { Deferred, Effect, Option } from "effect"
import { SubstrateLost } from "../Substrate.js"
import { type Adopted, adopt } from "./Adoption.js"
import { Connection } from "./Connection.js"
import { PROTOCOL } from "./Frame.js"
import * as HostFacts from "./HostFacts.js"
import type { Place } from "./Place.js"

const GREETING = "5 seconds"

const lost = (reason: string) => new SubstrateLost({ reason })

/** Closed with the scope; nobody knows yet who is there. */
export const open = (place: Place) =>
  Effect.acquireRelease(
    Effect.sync(() => new Connection(place.near(place.control), place.near(place.dial))),
    (connection) => Effect.sync(() => connection.close())
  )

export interface Greeted {
  readonly connection: Connection
  readonly host: HostFacts.HostFacts
  readonly text: string
  readonly adopted: ReadonlyArray<Adopted>
}

/** Why we do not go on with whoever says that, if we do not. */
const refusal = (version: number, host: Option.Option<HostFacts.HostFacts>, acceptWeak: boolean) => {
  if (version !== PROTOCOL) return `it speaks version ${version}, not ${PROTOCOL}: run \`npm run build\``
  if (Option.isNone(host)) return "its facts cannot be read: run `npm run build`"
  if (acceptWeak || host.value.weak.length === 0) return undefined
  return `it was started although protections could not be had: ${host.value.weak.join("; ")}`
}

const hello = (connection: Connection, acceptWeak: boolean) =>
  Effect.async<Greeted, SubstrateLost>((resume) => {
    let heard: Omit<Greeted, "adopted"> | undefined
    connection.attach(0, {
      lost: (lost) => resume(Effect.fail(lost)),
      reply: (reply) => {
        if (reply._tag === "Hello" && heard === undefined) {
          const host = HostFacts.decode(reply.facts)
          const refused = refusal(reply.version, host, acceptWeak)
          if (refused !== undefined || Option.isNone(host)) return connection.lose(refused ?? "no facts")
          heard = { connection, host: host.value, text: reply.facts }
          connection.send(0, { _tag: "List" })
        } else if (reply._tag === "Listing" && heard !== undefined) {
          resume(Effect.succeed({ ...heard, adopted: adopt(connection, reply.containers) }))
        } else connection.lose(`the membrane says ${reply._tag} on container 0`)
      }
    })
    connection.send(0, { _tag: "Hello", version: PROTOCOL })
  })

/** Asks who it is and what it has. */
export const greet = (connection: Connection, acceptWeak: boolean) =>
  Deferred.await(connection.connected).pipe(
    Effect.zipRight(hello(connection, acceptWeak)),
    Effect.timeoutFail({ duration: GREETING, onTimeout: () => lost("the membrane does not answer") })
  )
