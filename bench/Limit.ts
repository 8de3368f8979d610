/** The limit: a native loop that forks and executes, with nothing around it. */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { general } from "../src/cli/Failure.js"
import { home } from "../src/cli/Home.js"
import { baseEnv } from "../src/languages/Plan.js"

const Measured = Schema.parseJson(
  Schema.Struct({
    rps: Schema.Number,
    p50_us: Schema.Number,
    p99_us: Schema.Number,
    user_us: Schema.Number,
    sys_us: Schema.Number
  })
)
export type Measured = typeof Measured.Type

/** What a command prints; its failure says what it complained of. */
export const output = (file: string, argv: ReadonlyArray<string>) =>
  Effect.async<string, Error>((resume, signal) => {
    // As in a container: a variable of the caller's must not weigh on one side (NODE_EXTRA_CA_CERTS costs node 25 ms).
    execFile(file, [...argv], { signal, maxBuffer: 16 * 1024 ** 2, env: { ...baseEnv } }, (error, stdout, stderr) =>
      resume(error === null ? Effect.succeed(stdout) : Effect.fail(new Error(`${error.message} ${stderr}`.trim())))
    )
  })

/** Executes `argv` `amount` times with `concurrency` in flight. */
export const limit = (amount: number, concurrency: number, argv: ReadonlyArray<string>) =>
  output(join(home, "build", "limit"), [String(amount), String(Math.min(concurrency, amount)), "--", ...argv]).pipe(
    Effect.flatMap(Schema.decode(Measured)),
    Effect.timeout("10 minutes"),
    Effect.mapError((error) => general("bench", `build/limit ${argv.join(" ")}: ${error.message}`))
  )
