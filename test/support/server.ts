/** The real built server as a child process, as a user starts it; gone when the test is, however that ends. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import { onTestFinished } from "vitest"
import { explain } from "../../src/cli/Failure.js"
import * as ServerProcess from "../../src/cli/ServerProcess.js"
import { spawnerOf } from "./leftovers.js"

export interface ServerOptions {
  /** Containers kept warm, as `zerotrust=N` takes it. */
  readonly pool?: number | string
  /** Kept when given; otherwise a directory of its own that goes with the server. */
  readonly data?: string
  readonly env?: Readonly<Record<string, string>>
  /** What of its first key's calls waits for a person; nothing, for tests that nobody attends. */
  readonly confirm?: "on" | "off" | "always"
  /** More arguments of `serve`. */
  readonly args?: ReadonlyArray<string>
}

export interface Server {
  readonly url: string
  readonly publicKey: string
  readonly secretKey: string
  readonly data: string
  readonly pid: number
  /** Resolves when the process has ended by that signal. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>
  /** Graceful, then not; idempotent. */
  readonly stop: () => Promise<void>
  readonly stderr: () => string
}

const directory = (given: string | undefined) =>
  given === undefined
    ? Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "unsandbox-test-"))),
        (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
      )
    : Effect.succeed(given)

const started = (options: ServerOptions) =>
  Effect.gen(function* () {
    const data = yield* directory(options.data)
    return yield* ServerProcess.start({
      data,
      arguments: [
        ...["--pool", `zerotrust=${options.pool ?? 2}`, "--confirm", options.confirm ?? "off"],
        ...(options.args ?? [])
      ],
      environment: options.env ?? {}
    })
  }).pipe(Effect.catchAllCause((cause) => Effect.die(new Error(explain(cause).message))))

/** A spawner that is told to end takes along what it kept. */
const end = (spawner: number) => {
  try {
    process.kill(spawner, "SIGTERM")
  } catch {
    // It ended meanwhile.
  }
}

/** Nothing is left when the process that runs the tests is told to end. */
const living = new Set<number>()
process.once("exit", () => {
  for (const pid of living) process.kill(pid, "SIGKILL")
})

/** Inside a test it is stopped with the test; in a `beforeAll` the caller stops it. */
export const startServer = async (options: ServerOptions = {}): Promise<Server> => {
  const scope = Effect.runSync(Scope.make())
  const stop = async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    // What services and sessions kept would run on without their data.
    const left = options.data === undefined && home !== "" ? spawnerOf(home) : undefined
    if (left !== undefined) end(left)
  }
  let home = ""
  const server = await Effect.runPromise(Scope.extend(started(options), scope)).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  living.add(server.pid)
  home = server.data
  void Effect.runPromise(server.ended).then(() => living.delete(server.pid))
  const { data, pid, publicKey, said, secretKey, url } = server
  const kill = (signal: NodeJS.Signals = "SIGKILL") =>
    Effect.runPromise(Effect.zipRight(server.kill(signal), server.ended))
  return { url, publicKey, secretKey, data, pid, kill, stop, stderr: said }
}

/** A server for one test. */
export const serverForTest = async (options: ServerOptions = {}): Promise<Server> => {
  const server = await startServer(options)
  onTestFinished(server.stop)
  return server
}
