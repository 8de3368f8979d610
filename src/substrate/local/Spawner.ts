/** The membrane's spawner: the one that a former control plane left, or a new one; greeted, watched, and ended or left running. */
import { access, constants } from "node:fs/promises"
import { Deferred, Effect, Option, type Scope } from "effect"
import { type Facts, SubstrateLost } from "../Substrate.js"
import type { Adopted } from "./Adoption.js"
import * as Child from "./Child.js"
import type { Connection } from "./Connection.js"
import { type Greeted, greet, open } from "./Greeting.js"
import * as Membrane from "./Membrane.js"
import * as Place from "./Place.js"

interface SpawnerOptions {
  readonly binary: string
  /** Where its sockets are. */
  readonly directory: string
  /** Names what it leaves in the kernel: the next one of that name clears it. */
  readonly instance: string
  readonly acceptWeak: boolean
}

export interface Spawner {
  readonly connection: Connection
  readonly facts: Facts
  /** What it had kept when we came. */
  readonly adopted: ReadonlyArray<Adopted>
  /** Fails when it is over, with what it said last. */
  readonly lost: Effect.Effect<never, SubstrateLost>
}

const BEAT = "3 seconds"
/** Counted, not timed: a stall of our own must not look like one of the spawner's. */
const BEATS_MISSED = 4

const lost = (reason: string) => new SubstrateLost({ reason })

const executable = (binary: string) =>
  Effect.tryPromise({
    try: () => access(binary, constants.X_OK),
    catch: () => lost(`${binary} is missing or not executable: run \`npm run build\` (it needs a C compiler)`)
  })

/** The one that is there already. None: nobody listens; then what is left of a former one is cleared by the next. */
const former = (place: Place.Place, { acceptWeak, instance }: SpawnerOptions) =>
  Effect.gen(function* () {
    const connection = yield* open(place)
    const greeted = yield* Effect.either(greet(connection, acceptWeak))
    if (greeted._tag === "Right") return Option.some(greeted.right)
    if (connection.vacant) return Option.none()
    const fix = `end the process \`membrane spawn --name ${instance}\` (and with it what it keeps), or start what left it`
    return yield* lost(`a spawner is left in ${place.directory}, and ${greeted.left.reason}; ${fix}`)
  })

interface Manned extends Greeted {
  readonly membrane: Membrane.Membrane
}

const takeOver = (place: Place.Place, greeted: Greeted) =>
  Effect.gen(function* () {
    const { adopted, connection, host } = greeted
    const membrane = yield* Effect.acquireRelease(
      Effect.sync(() => Membrane.stranger(host.pid)),
      (membrane) => Membrane.end(membrane, place, connection.close())
    )
    yield* Effect.logInfo(`the spawner ${host.pid} was running and keeps what it was told to (${adopted.length})`)
    return { ...greeted, membrane }
  })

const launch = (place: Place.Place, { acceptWeak, binary, instance }: SpawnerOptions) =>
  Effect.gen(function* () {
    let connection: Connection | undefined
    const sockets = ["--listen", place.control, "--dial", place.dial]
    const membrane = yield* Effect.acquireRelease(
      Effect.sync(() =>
        Child.launch(binary, ["spawn", ...sockets, "--name", instance, ...(acceptWeak ? ["--accept-weak"] : [])], place)
      ),
      (child) => Membrane.end(child, place, connection?.close() === true)
    )
    yield* Child.ready(membrane, place)
    connection = yield* open(place)
    return { ...(yield* greet(connection, acceptWeak)), membrane }
  })

/** A spawner that hangs answers nobody and does not die: it is lost like one that did. */
const watch = (connection: Connection) =>
  Effect.gen(function* () {
    let unanswered = 0
    connection.attach(0, {
      lost: () => undefined,
      reply: ({ _tag }) => {
        if (_tag === "Listing") unanswered = 0
        else connection.lose(`the membrane says ${_tag} on container 0`)
      }
    })
    const beat = Effect.sync(() => {
      unanswered += 1
      if (unanswered > BEATS_MISSED) connection.lose("the spawner hangs: it does not answer")
      else connection.send(0, { _tag: "List" }, true)
    })
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.sleep(BEAT), beat)))
  })

/**
 * Lives in the scope: at its end the connection is closed. If something in it is kept, the spawner goes on; otherwise it ends, every
 * container with it, and is waited for.
 */
export const start = (options: SpawnerOptions): Effect.Effect<Spawner, SubstrateLost, Scope.Scope> =>
  Effect.gen(function* () {
    yield* executable(options.binary)
    const place = yield* Place.find(options.directory, options.instance)
    const found = yield* former(place, options)
    const manned: Manned = yield* Option.match(found, {
      onNone: () => launch(place, options),
      onSome: (greeted) => takeOver(place, greeted)
    })
    const { adopted, connection, host, membrane, text } = manned
    yield* watch(connection)
    return {
      facts: { text, weak: host.weak },
      adopted,
      connection,
      lost: Effect.catchAll(Deferred.await(connection.lost), ({ reason }) =>
        // Whatever it is that broke, if only our connection: everything was told lost, so nothing may live on beside its successor.
        Effect.sync(membrane.kill).pipe(
          Effect.zipRight(Membrane.lastWords(membrane, place, reason)),
          Effect.flatMap(Effect.fail)
        )
      )
    }
  })
