/** The membrane's process: started, connected and greeted; stopped, waited for and cleaned up after. */
import { type ChildProcessByStdio, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { access, constants, mkdir, mkdtemp, rm } from "node:fs/promises"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { Deferred, type Duration, Effect, FiberId, Option, type Scope } from "effect"
import { type Facts, SubstrateLost } from "../Substrate.js"
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
  /** Whether STDIN is acknowledged. */
  readonly acknowledges: boolean
  /** Fails when it is over, with what it said last. */
  readonly lost: Effect.Effect<never, SubstrateLost>
}

/** sizeof sun_path, less its NUL. */
const SOCKET_PATH_MAX = 107
const STDERR_KEPT = 64 * 1024
/** Includes clearing what a former one left. */
const READY = "20 seconds"
const GREETING = "5 seconds"
const EXIT = "15 seconds"
const LAST_WORDS = "2 seconds"

type Process = ChildProcessByStdio<null, Readable, Readable>

interface Child {
  readonly process: Process
  /** Completes with how it ended, after its last words. */
  readonly exited: Deferred.Deferred<string>
  readonly stderr: () => string
}

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

const launch = (options: SpawnerOptions, path: string): Child => {
  const weak = options.acceptWeak ? ["--accept-weak"] : []
  const process: Process = spawn(
    options.binary,
    ["spawn", "--listen", path, "--name", options.instance, ...weak],
    // A process group of its own: the Ctrl-C of a terminal is for the server, which then stops it in order.
    { stdio: ["ignore", "pipe", "pipe"], env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, cwd: "/", detached: true }
  )
  const exited = Deferred.unsafeMake<string>(FiberId.none)
  let stderr = ""
  process.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT)
  })
  process.on("error", (error) => Deferred.unsafeDone(exited, Effect.succeed(error.message)))
  process.on("close", (code, signal) =>
    Deferred.unsafeDone(exited, Effect.succeed(signal === null ? `exit status ${code}` : `killed by ${signal}`))
  )
  return { process, exited, stderr: () => stderr.trim() }
}

/** Interruptible inside, so that the deadline works in a finalizer too. */
const exitWithin = (child: Child, duration: Duration.DurationInput) =>
  Deferred.await(child.exited).pipe(Effect.interruptible, Effect.timeoutOption(duration))

/** It destroys every container once the connection is closed, then exits. */
const stop = (child: Child) =>
  Effect.gen(function* () {
    if (Option.isSome(yield* exitWithin(child, EXIT))) return
    child.process.kill("SIGKILL")
    yield* exitWithin(child, LAST_WORDS)
  })

/** How it ended and what it wrote, as far as that is known soon. */
const lastWords = (child: Child, reason: string) =>
  Effect.map(exitWithin(child, LAST_WORDS), (how) => {
    const ended = Option.match(how, { onNone: () => reason, onSome: (words) => `${reason} (${words})` })
    return lost(child.stderr() === "" ? ended : `${ended}: ${child.stderr()}`)
  })

const ready = (child: Child) =>
  Effect.async<void>((resume) => {
    let said = ""
    const hear = (text: string) => {
      // Bounded: a spawner that says anything else is waited for no longer than the deadline.
      said = (said + text).slice(0, 64)
      if (said.startsWith("ready\n")) resume(Effect.void)
    }
    child.process.stdout.setEncoding("utf8").on("data", hear)
  }).pipe(
    Effect.raceFirst(
      Effect.flatMap(Deferred.await(child.exited), () => Effect.fail(lost("the membrane did not start")))
    ),
    Effect.timeoutFail({ duration: READY, onTimeout: () => lost("the membrane was not ready in time") }),
    Effect.catchAll(({ reason }) => Effect.flatMap(lastWords(child, reason), Effect.fail))
  )

const dial = (path: string) =>
  Effect.gen(function* () {
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => connect(path)),
      (socket) => Effect.sync(() => socket.destroy())
    )
    yield* Effect.async<void, SubstrateLost>((resume) => {
      socket.once("connect", () => resume(Effect.void))
      socket.on("error", (error) => resume(Effect.fail(lost(`${path}: ${error.message}`))))
    }).pipe(Effect.timeoutFail({ duration: GREETING, onTimeout: () => lost("the membrane does not accept") }))
    return socket
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
      lost(`the membrane's facts cannot be read: ${cause.message}`)
    )
    return { facts: { text, weak: host.weak }, acknowledges: host.room }
  })

/** Lives in the scope: at its end the connection is closed, and every container with it, and the process waited for. */
export const start = (options: SpawnerOptions): Effect.Effect<Spawner, SubstrateLost, Scope.Scope> =>
  Effect.gen(function* () {
    yield* executable(options.binary)
    const path = yield* socketPath(options.directory)
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => launch(options, path)),
      stop
    )
    yield* ready(child)
    const connection = new Connection(yield* dial(path))
    yield* Effect.addFinalizer(() => Effect.sync(() => connection.lose("the substrate is closing")))
    const greeted = yield* greet(connection)
    return {
      ...greeted,
      connection,
      lost: Effect.catchAll(Deferred.await(connection.lost), ({ reason }) =>
        // Whatever it is that broke, nothing of it may live on beside its successor.
        Effect.sync(() => child.process.kill("SIGKILL")).pipe(
          Effect.zipRight(lastWords(child, reason)),
          Effect.flatMap(Effect.fail)
        )
      )
    }
  })
