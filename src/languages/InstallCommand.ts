/** Runs a package manager: its lines as they come, the end of its output, and a deadline. */
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { Effect } from "effect"

interface Ended {
  readonly code: number
  /** At most its last 256 KiB, both streams. */
  readonly output: string
}

const deadline = "60 minutes"
const kept = 256 * 1024
const told = /^(Setting up|E:|W:|npm (error|warn))/

const spawned = (argv: ReadonlyArray<string>, line: (text: string) => void) =>
  Effect.async<Ended>((resume) => {
    const [command = "", ...args] = argv
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" }
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env })
    let output = ""
    const take = (text: string) => {
      output = `${output}${text}\n`.slice(-kept)
      if (told.test(text)) line(text)
    }
    child.once("error", (error) => resume(Effect.succeed({ code: 127, output: error.message })))
    child.once("close", (code) => resume(Effect.succeed({ code: code ?? 1, output })))
    // Without a process there may be no streams, and the signal would be for our own group.
    if (child.pid === undefined) return Effect.void
    createInterface(child.stdout).on("line", take)
    createInterface(child.stderr).on("line", take)
    // SIGTERM: apt-get leaves its database in order.
    return Effect.sync(() => child.kill("SIGTERM"))
  })

/** Never fails: a command that cannot be started, or is late, ends with a code that is not 0. */
export const run = (argv: ReadonlyArray<string>, report: (line: string) => void): Effect.Effect<Ended> =>
  spawned(argv, report).pipe(
    Effect.timeoutTo({
      duration: deadline,
      onSuccess: (ended) => ended,
      onTimeout: () => ({ code: 124, output: `${argv[0]} took longer than ${deadline}` })
    })
  )

const silent = () => undefined

export const quietly = (argv: ReadonlyArray<string>): Effect.Effect<Ended> => run(argv, silent)

export const succeeds = (argv: ReadonlyArray<string>): Effect.Effect<boolean> =>
  Effect.map(quietly(argv), ({ code }) => code === 0)

/** What it complained of, or the last thing it said. */
export const lastLine = ({ output }: Ended): string => {
  const lines = output.split("\n").filter((line) => line.trim() !== "")
  return (lines.find((line) => line.startsWith("E: ")) ?? lines.at(-1) ?? "it said nothing").slice(0, 300)
}
