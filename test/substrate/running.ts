/** A substrate that runs for as long as a test, and short ways to use its containers. */
import { Deferred, Effect, type Layer, Schedule, type Scope } from "effect"
import {
  type Command,
  type Container,
  type Limits,
  Substrate,
  type SubstrateError
} from "../../src/substrate/Substrate.js"

export const MIB = 1024 * 1024

export const limits: Limits = { memoryBytes: 256 * MIB, cpuMillis: 1000, pids: 64, tmpBytes: 64 * MIB }

/** `run` forked beside the body. A `run` that ends before it answers fails the test with its reason. */
export const running = <A, E, R>(layer: Layer.Layer<Substrate>, body: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const substrate = yield* Substrate
    const ended = yield* Deferred.make<never, SubstrateError>()
    yield* Effect.forkScoped(Effect.onError(substrate.run, (cause) => Deferred.failCause(ended, cause)))
    yield* Effect.raceFirst(answering, Deferred.await(ended))
    return yield* Effect.scoped(body)
  }).pipe(Effect.scoped, Effect.provide(layer))

/** Resolves once the substrate is up. */
export const answering = Effect.flatMap(Substrate, ({ facts }) => facts).pipe(
  Effect.retry(Schedule.spaced("5 millis")),
  Effect.timeout("30 seconds")
)

/** A container that is destroyed with the scope. */
export const box = (over: Partial<Limits> = {}) =>
  Effect.acquireRelease(
    Effect.flatMap(Substrate, (substrate) => substrate.create("box", { ...limits, ...over })),
    (container: Container) => Effect.ignore(container.destroy)
  )

export const command = (argv: ReadonlyArray<string>, over: Partial<Command> = {}): Command => ({
  argv,
  env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
  cwd: "/tmp",
  files: [],
  timeoutMillis: 30_000,
  outputCap: MIB,
  final: false,
  ...over
})

export const sh = (script: string, over: Partial<Command> = {}): Command => command(["sh", "-c", script], over)

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** What a shell line prints, without its last newline. */
export const says = (container: Container, script: string, over: Partial<Command> = {}) =>
  Effect.map(container.run(sh(script, over)), ({ stdout }) => text(stdout).replace(/\n$/, ""))

/** Runs it again until it gives what is waited for. */
export const eventually = <E, R>(what: Effect.Effect<boolean, E, R>) =>
  what.pipe(
    Effect.repeat({ until: (yes) => yes, schedule: Schedule.spaced("10 millis") }),
    Effect.timeout("20 seconds")
  )

/** A part of the conformance suite: `test` gives each body a substrate of its own. */
export type Suite = (
  test: <E>(name: string, body: () => Effect.Effect<unknown, E, Substrate | Scope.Scope>, timeout?: number) => void
) => void
