/** One run of a program of the host on a tenant's files: no shell, explicit arguments, gentle, and gone with its scope. */
import { type ChildProcess, spawn } from "node:child_process"
import { PassThrough, type Readable, type Writable } from "node:stream"
import { Data, Effect, type Scope } from "effect"

/** It could not be run, or ended badly; `said` is the beginning of what it wrote to stderr. */
export class ToolFailed extends Data.TaggedError("ToolFailed")<{
  readonly tool: string
  readonly code: number | null
  readonly said: string
}> {
  override get message(): string {
    return `${this.tool} ended with ${this.code ?? "a signal"}: ${this.said}`
  }
}

export interface Running {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Resolves with how it ended and what it complained of; reading it is the way to wait. */
  readonly ended: Promise<Ended>
}

export interface Ended {
  readonly code: number | null
  readonly said: string
}

const mostSaid = 2_048
/** Nothing of ours: no credentials, no language, and only the system's own programs. */
const environment = { LC_ALL: "C", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }

/** Both are heard from its first moment: an error that nobody listened for would end the server. */
const endOf = (child: ChildProcess): Promise<Ended> =>
  new Promise((resolve) => {
    let said = ""
    child.once("error", (error) => resolve({ code: null, said: said || error.message }))
    child.once("close", (code) => resolve({ code, said: said.trim() }))
    child.stderr?.on("data", (chunk: Buffer) => {
      if (said.length < mostSaid) said += chunk.toString("latin1").slice(0, mostSaid - said.length)
    })
  })

interface Started extends Running {
  readonly end: () => void
}

/** As one that ended at once, took nothing and wrote nothing. */
const unstarted = (ended: Promise<Ended>): Started => {
  const stdin = new PassThrough().on("error", () => undefined)
  const stdout = new PassThrough().on("error", () => undefined)
  stdin.destroy()
  stdout.end()
  return { stdin, stdout, ended, end: () => stdout.destroy() }
}

const launched = (argv: ReadonlyArray<string>): Started => {
  // Tenants who run programs come first.
  const child: ChildProcess = spawn("nice", ["-n", "10", ...argv], { env: environment, cwd: "/", stdio: "pipe" })
  const ended = endOf(child)
  const { stderr, stdin, stdout: output } = child
  // Who reads or writes the streams sees their errors too; without a listener each would end the server.
  for (const stream of [stdin, output, stderr]) stream?.on("error", () => undefined)
  // Without a process its signals would be for our own group; for want of descriptors there are not even streams.
  if (child.pid === undefined || !stdin || !output) return unstarted(ended)
  // Node throws away what nobody has begun to read when a process ends: ours waits until somebody does.
  const stdout = new PassThrough()
  output.on("error", (error) => stdout.destroy(error)).pipe(stdout)
  stdout.on("error", () => undefined)
  const end = () => {
    child.kill("SIGKILL")
    // It counts as ended when its streams have, and nobody may be reading any longer.
    for (const stream of [stdin, output, stdout]) stream.destroy()
  }
  return { stdin, stdout, ended, end }
}

/** What node does not tell as an event it throws: also that is a run that ended badly. */
const launch = (argv: ReadonlyArray<string>): Started => {
  try {
    return launched(argv)
  } catch (error) {
    return unstarted(Promise.resolve({ code: null, said: error instanceof Error ? error.message : String(error) }))
  }
}

/** Killed when the scope closes, which waits until it is gone. One that cannot be started has ended badly at once. */
export const start = (argv: ReadonlyArray<string>): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => launch(argv)),
    ({ end, ended }) =>
      Effect.zipRight(
        Effect.sync(end),
        Effect.promise(() => ended)
      )
  )

const roomIn = (stdin: Writable): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      stdin.off("drain", done).off("close", done)
      resolve()
    }
    stdin.on("drain", done).on("close", done)
  })

/**
 * Resolves when all of it has been read from its source. A program that ends before it has read its input to the end says
 * by its own end whether it has had enough.
 */
export const feed =
  (stdin: Writable) =>
  async (source: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of source) if (!stdin.destroyed && !stdin.write(chunk)) await roomIn(stdin)
    stdin.end()
  }

const mostOutput = 64 * 1024

const textOf = async (stdout: Readable): Promise<string> => {
  let text = ""
  for await (const chunk of stdout) if (text.length < mostOutput) text += String(chunk)
  return text
}

/** Resolves with what it wrote; `fine` says which ends are good ones. */
export const run = (
  argv: ReadonlyArray<string>,
  within: `${number} ${"seconds" | "minutes"}`,
  fine: (code: number | null) => boolean = (code) => code === 0
): Effect.Effect<string, ToolFailed> => {
  const tool = argv[0] ?? ""
  return Effect.gen(function* () {
    const { ended, stdin, stdout } = yield* start(argv)
    stdin.end()
    const [text, { code, said }] = yield* Effect.promise(() => Promise.all([textOf(stdout), ended]))
    return fine(code) ? text : yield* new ToolFailed({ tool, code, said })
  }).pipe(
    Effect.scoped,
    Effect.timeoutFail({
      duration: within,
      onTimeout: () => new ToolFailed({ tool, code: null, said: `it did not end within ${within}` })
    })
  )
}
