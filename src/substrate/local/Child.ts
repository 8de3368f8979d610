/** The membrane launched as a child process that needs nothing of us: its words go to a file, and it may outlive us. */
import { spawn } from "node:child_process"
import type { Readable } from "node:stream"
import { Deferred, Effect, FiberId } from "effect"
import { SubstrateLost } from "../Substrate.js"
import { lastWords, type Membrane } from "./Membrane.js"
import type { Place } from "./Place.js"

/** Includes clearing what a former one left. */
const READY = "20 seconds"

interface Child extends Membrane {
  readonly stdout: Readable | null
}

const lost = (reason: string) => new SubstrateLost({ reason })

export const launch = (binary: string, args: ReadonlyArray<string>, { directory, words }: Place): Child => {
  const process = spawn(binary, [...args], {
    stdio: ["ignore", "pipe", words.fd],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    // Its sockets have names here, which are short wherever that is.
    cwd: directory,
    // A session of its own: the Ctrl-C of a terminal is for the server, which then stops it in order.
    detached: true
  })
  const exited = Deferred.unsafeMake<string>(FiberId.none)
  process.on("error", (error) => Deferred.unsafeDone(exited, Effect.succeed(error.message)))
  process.on("exit", (code, signal) =>
    Deferred.unsafeDone(exited, Effect.succeed(signal === null ? `exit status ${code}` : `killed by ${signal}`))
  )
  return {
    exited: Deferred.await(exited),
    kill: () => process.kill("SIGKILL"),
    leave: () => process.unref(),
    stdout: process.stdout
  }
}

/** Resolves when it listens; from then on nobody hears its standard output. */
export const ready = (child: Child, place: Place) =>
  Effect.async<void>((resume) => {
    let said = ""
    const hear = (text: string) => {
      // Bounded: a spawner that says anything else is waited for no longer than the deadline.
      said = (said + text).slice(0, 64)
      if (said.startsWith("ready\n")) resume(Effect.void)
    }
    child.stdout?.setEncoding("utf8").on("data", hear)
  }).pipe(
    Effect.raceFirst(Effect.flatMap(child.exited, () => Effect.fail(lost("the membrane did not start")))),
    Effect.timeoutFail({ duration: READY, onTimeout: () => lost("the membrane was not ready in time") }),
    Effect.ensuring(Effect.sync(() => child.stdout?.destroy())),
    Effect.catchAll(({ reason }) => Effect.flatMap(lastWords(child, place, reason), Effect.fail))
  )
