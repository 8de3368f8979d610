/** The membrane's process: started, connected and greeted; stopped, waited for and cleaned up after. */
import { randomBytes } from "node:crypto"
import { access, constants, mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Deferred, Effect, type Scope } from "effect"
import { type Facts, SubstrateLost } from "../Substrate.js"
import * as Child from "./Child.js"
import { Connection } from "./Connection.js"
import { PROTOCOL } from "./Frame.js"
import * as HostFacts from "./HostFacts.js"

export interface SpawnerOptions {
  readonly binary: string
  /** Where its socket goes, if its path is short enough for one. */
  readonly directory: string
  /** Names what it leaves in the kernel: the next one of that name clears it. */
  readonly instance: string
  readonly acceptWeak: boolean
}

export interface Spawner {
  readonly connection: Connection
  readonly facts: Facts
  /** Fails when it is over, with what it said last. */
  readonly lost: Effect.Effect<never, SubstrateLost>
}

/** sizeof sun_path, less its NUL. */
const SOCKET_PATH_MAX = 107
const GREETING = "5 seconds"
const BEAT = "3 seconds"
/** Counted, not timed: a stall of our own must not look like one of the spawner's. */
const BEATS_MISSED = 4

const lost = (reason: string) => new SubstrateLost({ reason })
const attempt = <A>(what: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => lost(`${what}: ${String(cause)}`) })

const executable = (binary: string) =>
  Effect.mapError(
    attempt(binary, () => access(binary, constants.X_OK)),
    () => lost(`${binary} is missing or not executable: run \`npm run build\` (it needs a C compiler)`)
  )

/** A path of its own for each start: a former spawner may still unlink the one that it had. */
const socketPath = (directory: string) =>
  Effect.gen(function* () {
    const name = `s-${randomBytes(4).toString("hex")}`
    const wanted = join(directory, name)
    if (Buffer.byteLength(wanted) <= SOCKET_PATH_MAX) {
      yield* attempt(directory, () => mkdir(directory, { recursive: true, mode: 0o700 }))
      return yield* Effect.acquireRelease(Effect.succeed(wanted), (path) =>
        Effect.promise(() => rm(path, { force: true }))
      )
    }
    const own = yield* Effect.acquireRelease(
      attempt("mkdtemp", () => mkdtemp(join(tmpdir(), "unsandbox-"))),
      (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
    )
    yield* Effect.logInfo(`${wanted} is too long for a socket: using ${own}`)
    return join(own, name)
  })

const dial = (path: string) =>
  Effect.gen(function* () {
    const connection = yield* Effect.acquireRelease(
      Effect.sync(() => new Connection(path)),
      (connection) => Effect.sync(() => connection.lose("the substrate is closing"))
    )
    yield* Deferred.await(connection.connected).pipe(
      Effect.timeoutFail({ duration: GREETING, onTimeout: () => lost("the membrane does not accept") })
    )
    return connection
  })

const greeting = (connection: Connection) =>
  Effect.async<string, SubstrateLost>((resume) => {
    connection.attach(0, {
      lost: (lost) => resume(Effect.fail(lost)),
      reply: (reply) => {
        if (reply._tag === "Hello" && reply.version === PROTOCOL) resume(Effect.succeed(reply.facts))
        else if (reply._tag === "Hello")
          connection.lose(`the membrane speaks version ${reply.version}, not ${PROTOCOL}: run \`npm run build\``)
        else connection.lose(`the membrane says ${reply._tag} on container 0`)
      }
    })
    connection.send(0, { _tag: "Hello", version: PROTOCOL })
  }).pipe(Effect.timeoutFail({ duration: GREETING, onTimeout: () => lost("the membrane does not answer") }))

const greet = (connection: Connection) =>
  Effect.gen(function* () {
    const text = yield* greeting(connection)
    const host = yield* Effect.mapError(HostFacts.decode(text), (cause) =>
      lost(`the membrane's facts cannot be read, run \`npm run build\`: ${cause.message}`)
    )
    return { text, weak: host.weak }
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

/** Lives in the scope: at its end the connection is closed, and every container with it, and the process waited for. */
export const start = (options: SpawnerOptions): Effect.Effect<Spawner, SubstrateLost, Scope.Scope> =>
  Effect.gen(function* () {
    yield* executable(options.binary)
    const path = yield* socketPath(options.directory)
    const weak = options.acceptWeak ? ["--accept-weak"] : []
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => Child.launch(options.binary, ["spawn", "--listen", path, "--name", options.instance, ...weak])),
      Child.stop
    )
    yield* Child.ready(child)
    const connection = yield* dial(path)
    const facts = yield* greet(connection)
    yield* watch(connection)
    return {
      facts,
      connection,
      lost: Effect.catchAll(Deferred.await(connection.lost), ({ reason }) =>
        // Whatever it is that broke, nothing of it may live on beside its successor.
        Effect.sync(() => child.process.kill("SIGKILL")).pipe(
          Effect.zipRight(Child.lastWords(child, reason)),
          Effect.flatMap(Effect.fail)
        )
      )
    }
  })
