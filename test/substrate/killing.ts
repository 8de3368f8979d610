/** The driver in a process of its own that can be killed: its sources, compiled aside, with `holder.ts` as its program. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Effect, Schema, type Scope } from "effect"
import ts from "typescript"
import { directory } from "./membrane.js"

const HOME = join(import.meta.dirname, "..", "..")
const PROGRAM = join("test", "substrate", "holder.ts")
const Pids = Schema.decodeUnknownSync(Schema.parseJson(Schema.Array(Schema.Int)))

const sources = (of: string): ReadonlyArray<string> =>
  readdirSync(join(HOME, of), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(of, name))

const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }

/** Compiled without a look at types: the whole project's check does that. */
export const compiled = (): string => {
  const aside = directory()
  symlinkSync(join(HOME, "node_modules"), join(aside, "node_modules"))
  writeFileSync(join(aside, "package.json"), `{"type":"module"}`)
  for (const path of [...sources(join("src", "substrate")), PROGRAM]) {
    const to = join(aside, path.replace(/\.ts$/, ".js"))
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, ts.transpileModule(readFileSync(join(HOME, path), "utf8"), { compilerOptions }).outputText)
  }
  return aside
}

export interface Holding {
  readonly data: string
  readonly binary: string
  readonly acceptWeak: boolean
  readonly log: string
  readonly keeps: boolean
  readonly stops: boolean
}

export interface Holder {
  /** Of the init of the container that may be kept, and of another. */
  readonly pids: readonly [number, number]
  readonly kill: Effect.Effect<void>
  /** Its exit status, or undefined after a signal. */
  readonly ended: Effect.Effect<number | undefined>
}

const ending = (child: ChildProcess) =>
  Effect.async<number | undefined>((resume) => {
    const done = () => resume(Effect.succeed(child.exitCode ?? undefined))
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.once("exit", done)
  })

/** Resolves once it holds what it is to hold. */
export const holder = (aside: string, holding: Holding): Effect.Effect<Holder, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const program = join(aside, PROGRAM.replace(/\.ts$/, ".js"))
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [program, JSON.stringify(holding)], { stdio: ["ignore", "pipe", "inherit"] })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const line = yield* Effect.async<string>((resume) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        if (text.startsWith("[")) resume(Effect.succeed(text))
      })
    }).pipe(Effect.timeout("20 seconds"))
    const [one = 0, two = 0] = Pids(line)
    return {
      pids: [one, two],
      ended: ending(child),
      kill: Effect.zipRight(
        Effect.sync(() => child.kill("SIGKILL")),
        Effect.asVoid(ending(child))
      )
    }
  })
