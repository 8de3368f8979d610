/** The limit: a native loop that forks and executes, with nothing around it, and what users would pick instead. */
import { execFile } from "node:child_process"
import { constants } from "node:fs"
import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
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

const output = (file: string, argv: ReadonlyArray<string>) =>
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

const found = (program: string): Effect.Effect<string | undefined> =>
  Effect.promise(async () => {
    for (const directory of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(directory, program)
      const runs = await access(path, constants.X_OK).then(
        () => true,
        () => false
      )
      if (runs) return path
    }
    return undefined
  })

const BASH = ["/bin/bash", "-c", "echo hi"]

const bubblewrap = (bwrap: string) => [
  ...[bwrap, "--unshare-all", "--die-with-parent", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin"],
  ...["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev"],
  ...["--tmpfs", "/tmp", ...BASH]
]

const bind = (path: string) => ({ destination: path, type: "bind", source: path, options: ["rbind", "ro"] })

/** The runtime's own default configuration with the host's programs in it. */
const bundle = Effect.fnUntraced(function* (runtime: string) {
  const directory = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "unsandbox-bench-"))),
    (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
  )
  yield* output(runtime, ["spec", "--bundle", directory])
  const path = join(directory, "config.json")
  const { readFile } = yield* Effect.promise(() => import("node:fs/promises"))
  const config = JSON.parse(yield* Effect.promise(() => readFile(path, "utf8")))
  config.process = { ...config.process, terminal: false, args: BASH }
  config.mounts = [...config.mounts, ...["/usr", "/bin", "/lib", "/lib64"].map(bind)]
  yield* Effect.promise(() => mkdir(join(directory, "rootfs")))
  yield* Effect.promise(() => writeFile(path, JSON.stringify(config)))
  return ["/bin/sh", "-c", `exec ${runtime} run --bundle ${directory} unsandbox-bench-$$`]
})

export interface Peer {
  readonly name: string
  readonly rps: number
  readonly p50_ms: number
}

/** Those that are on this machine; one that is there and does not work is left out, with a word about it. */
export const peers = Effect.fnUntraced(function* (amount: number, progress: (line: string) => Effect.Effect<void>) {
  const measured: Array<Peer> = []
  for (const name of ["bwrap", "runc", "crun"]) {
    const program = yield* found(name)
    if (program === undefined) continue
    const one = Effect.gen(function* () {
      const argv = name === "bwrap" ? bubblewrap(program) : yield* bundle(program)
      const { p50_us, rps } = yield* limit(amount, 10, argv)
      measured.push({ name, rps: Math.round(rps), p50_ms: p50_us / 1000 })
    })
    yield* Effect.catchAll(Effect.scoped(one), (error) =>
      progress(`${name} is here but does not run: ${error.message}`)
    )
  }
  return measured
})
