/** The membrane as a child process: launched, heard, stopped. */
import { type ChildProcessByStdio, spawn } from "node:child_process"
import type { Readable } from "node:stream"
import { Deferred, type Duration, Effect, FiberId, Option } from "effect"
import { SubstrateLost } from "../Substrate.js"

const STDERR_KEPT = 64 * 1024
/** Includes clearing what a former one left. */
const READY = "20 seconds"
const EXIT = "15 seconds"
const LAST_WORDS = "2 seconds"

type Process = ChildProcessByStdio<null, Readable, Readable>

export interface Child {
  readonly process: Process
  /** Completes with how it ended, after its last words. */
  readonly exited: Deferred.Deferred<string>
  readonly stderr: () => string
}

const lost = (reason: string) => new SubstrateLost({ reason })

export const launch = (binary: string, args: ReadonlyArray<string>): Child => {
  const process: Process = spawn(binary, [...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    cwd: "/",
    // A process group of its own: the Ctrl-C of a terminal is for the server, which then stops it in order.
    detached: true
  })
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
export const stop = (child: Child) =>
  Effect.gen(function* () {
    if (Option.isSome(yield* exitWithin(child, EXIT))) return
    child.process.kill("SIGKILL")
    yield* exitWithin(child, LAST_WORDS)
  })

/** Why it ended: `reason`, how it ended and what it wrote, as far as that is known soon. */
export const lastWords = (child: Child, reason: string) =>
  Effect.map(exitWithin(child, LAST_WORDS), (how) => {
    const ended = Option.match(how, { onNone: () => reason, onSome: (words) => `${reason} (${words})` })
    return lost(child.stderr() === "" ? ended : `${ended}: ${child.stderr()}`)
  })

/** Resolves when it listens. */
export const ready = (child: Child) =>
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
