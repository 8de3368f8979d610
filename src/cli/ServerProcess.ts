/** A server of its own, as a user would start it: a child process that lives as long as the scope. */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { Effect, Schema, type Scope } from "effect"
import type { Credentials } from "./Client.js"
import { type Failure, general } from "./Failure.js"
import { home } from "./Home.js"

export interface ServerProcess extends Credentials {
  readonly pid: number
  readonly data: string
  /** Resolves when it has ended. */
  readonly ended: Effect.Effect<void>
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** What it said on standard error, at most its last 64 KiB. */
  readonly said: () => string
}

interface ServerOptions {
  readonly data: string
  /** More arguments of `serve`. */
  readonly arguments?: ReadonlyArray<string>
  readonly environment?: Readonly<Record<string, string>>
  readonly readyWithinMillis?: number
}

const Ready = Schema.parseJson(
  Schema.Struct({ listening: Schema.String, public_key: Schema.String, secret_key: Schema.String })
)

const PROGRAM = join(home, "bin", "unsandbox.mjs")
/** Those of the program's first line. */
const FLAGS = ["--max-semi-space-size=64"]
const SAID = 64 * 1024

/** Variables of the caller must not change what is started. */
const inherited = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("UNSANDBOX_")))

const ending = (child: ChildProcess): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    const done = () => resume(Effect.void)
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.once("exit", done)
    return Effect.sync(() => child.off("exit", done))
  })

const launch = (options: ServerOptions) =>
  Effect.sync(() =>
    spawn(
      process.execPath,
      [...FLAGS, PROGRAM, "serve", "--json", "--port", "0", "--data", options.data, ...(options.arguments ?? [])],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...inherited(), ...options.environment } }
    )
  )

const stop = (child: ChildProcess) =>
  Effect.sync(() => child.kill("SIGTERM")).pipe(
    Effect.zipRight(ending(child)),
    Effect.timeoutTo({ duration: "20 seconds", onTimeout: () => child.kill("SIGKILL"), onSuccess: () => true }),
    Effect.zipRight(ending(child))
  )

/** The first line on standard output, or the reason why there is none. */
const firstLine = (child: ReturnType<typeof spawn>, said: () => string): Effect.Effect<string, Failure> =>
  Effect.async<string, Failure>((resume) => {
    let text = ""
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      if (text.includes("\n")) return
      text += chunk
      if (text.includes("\n")) resume(Effect.succeed(text.slice(0, text.indexOf("\n"))))
    })
    child.once("error", (error) => resume(general("server_failed", `the server did not start: ${error.message}`)))
    child.once("exit", (code, signal) =>
      resume(general("server_failed", `the server ended at once (${signal ?? code}): ${said().trim()}`))
    )
  })

/** Ready to be used; stopped (SIGTERM, then SIGKILL) when the scope closes. */
export const start = (options: ServerOptions): Effect.Effect<ServerProcess, Failure, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(launch(options), stop)
    let heard = ""
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      heard = (heard + chunk).slice(-SAID)
    })
    const said = () => heard
    const within = options.readyWithinMillis ?? 60_000
    const line = yield* firstLine(child, said).pipe(
      Effect.timeoutFail({
        duration: within,
        onTimeout: () => general("server_failed", `the server was not ready within ${within} ms: ${heard.trim()}`)
      })
    )
    const ready = yield* Effect.mapError(Schema.decode(Ready)(line), () =>
      general("server_failed", `the server's first line is not what was agreed: ${line}`)
    )
    return {
      url: ready.listening,
      publicKey: ready.public_key,
      secretKey: ready.secret_key,
      pid: child.pid ?? 0,
      data: options.data,
      ended: ending(child),
      kill: (signal) => Effect.sync(() => child.kill(signal)),
      said
    }
  })
