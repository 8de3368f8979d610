/** What users would pick instead, where it is on this machine: the same program through each, in the same run. */
import { constants } from "node:fs"
import { access } from "node:fs/promises"
import { delimiter, join } from "node:path"
import { Effect, type Scope } from "effect"
import { cut, plain } from "../src/cli/Output.js"
import { socketOf } from "./Daemon.js"
import { limit, output } from "./Limit.js"
import * as Lxc from "./Lxc.js"
import * as Lxd from "./Lxd.js"
import * as Oci from "./Oci.js"

export interface Peer {
  readonly name: string
  readonly rps: number
  readonly p50_ms: number
}

/** One that was not measured, and why. */
export interface Absent {
  readonly name: string
  readonly absent: string
}

const BASH = ["/bin/bash", "-c", "echo hi"]
const CONCURRENCY = 10
const LONGEST = "10 minutes"

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

const bubblewrap = (bwrap: string) => [
  ...[bwrap, "--unshare-all", "--die-with-parent", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin"],
  ...["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev"],
  ...["--tmpfs", "/tmp", ...BASH]
]

type Measured = Omit<Peer, "name">

/** First once alone: one that does not run says so once. */
const looped = (amount: number, [file = "", ...argv]: ReadonlyArray<string>) =>
  output(file, argv).pipe(
    Effect.zipRight(limit(amount, CONCURRENCY, [file, ...argv])),
    Effect.map(({ p50_us, rps }): Measured => ({ rps, p50_ms: p50_us / 1000 }))
  )

interface Candidate {
  readonly name: string
  /** The program's path, or the daemon's socket; undefined: it is not here. */
  readonly here: Effect.Effect<string | undefined>
  /** What it means that it is not. */
  readonly absent: string
  readonly measure: (here: string, amount: number) => Effect.Effect<Measured, Error, Scope.Scope>
}

const program = (
  name: string,
  argv: (path: string) => Effect.Effect<ReadonlyArray<string>, Error, Scope.Scope>
): Candidate => ({
  name,
  here: found(name),
  absent: "not on this machine",
  measure: (path, amount) => Effect.flatMap(argv(path), (command) => looped(amount, command))
})

const candidates: ReadonlyArray<Candidate> = [
  program("bwrap", (path) => Effect.succeed(bubblewrap(path))),
  program("runc", (path) => Oci.perRun(path, BASH)),
  program("crun", (path) => Oci.perRun(path, BASH)),
  program("lxc-attach", (path) => Lxc.attached(path, BASH)),
  ...Lxd.daemons.map(({ name, sockets }) => ({
    name,
    here: socketOf(sockets),
    absent: "no daemon runs on this machine",
    measure: (socket: string, amount: number) => Lxd.executed(socket, BASH, amount, CONCURRENCY)
  }))
]

const one = Effect.fnUntraced(function* ({ absent, here, measure, name }: Candidate, amount: number) {
  const place = yield* here
  if (place === undefined) return { name, absent }
  return yield* Effect.scoped(measure(place, amount)).pipe(
    Effect.timeout(LONGEST),
    Effect.match({
      onFailure: (error): Peer | Absent => ({ name, absent: cut(`does not run: ${plain(error.message)}`, 200) }),
      onSuccess: ({ p50_ms, rps }) => ({ name, rps: Math.round(rps), p50_ms })
    })
  )
})

/** One after the other; one that cannot be measured does not stop the others. */
export const peers = Effect.fnUntraced(function* (amount: number, progress: (line: string) => Effect.Effect<void>) {
  const all: Array<Peer | Absent> = []
  for (const candidate of candidates) {
    const result = yield* one(candidate, amount)
    all.push(result)
    yield* progress("absent" in result ? `${result.name}: ${result.absent}` : `${result.name}: ${result.rps}/s`)
  }
  return {
    measured: all.flatMap((result) => ("rps" in result ? [result] : [])),
    absent: all.flatMap((result) => ("rps" in result ? [] : [result]))
  }
})
