/** A control plane by itself, to be killed: what its arguments say it holds, told in one line; then it waits, or stops in order. */
import { Deferred, Effect, Fiber, Schedule, Schema } from "effect"
import { layer } from "../../src/substrate/local/LocalSubstrate.js"
import { Substrate } from "../../src/substrate/Substrate.js"

const Told = Schema.parseJson(
  Schema.Struct({
    data: Schema.String,
    binary: Schema.String,
    acceptWeak: Schema.Boolean,
    log: Schema.String,
    keeps: Schema.Boolean,
    stops: Schema.Boolean
  })
)

const limits = { memoryBytes: 2 ** 26, cpuMillis: 1000, pids: 32, tmpBytes: 2 ** 22 }
const count = {
  argv: ["sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done"],
  env: { PATH: "/usr/bin:/bin" },
  cwd: "/tmp",
  files: [],
  timeoutMillis: 0,
  outputCap: 0,
  final: false
}

const holding = ({ keeps, log, stops }: typeof Told.Type) =>
  Effect.gen(function* () {
    const { create, facts, run } = yield* Substrate
    const life = yield* Effect.fork(run)
    yield* Effect.retry(facts, Schedule.spaced("5 millis"))
    const [container, other] = yield* Effect.all([create("box", limits), create("other", limits)])
    if (keeps) yield* container.keep("survivor")
    yield* container.launch(count, { path: log, cap: 1_000_000 })
    const dies = yield* container.start(count, { stdin: false })
    const pids = [container, other].map(({ seal }) => Number(seal.get("pid")))
    yield* Effect.sync(() => process.stdout.write(`${JSON.stringify(pids)}\n`))
    yield* stops ? Fiber.interrupt(life) : Effect.zipRight(dies.exited, Deferred.await(yield* Deferred.make<never>()))
  })

const told = Schema.decodeUnknownSync(Told)(process.argv[2])
Effect.runFork(Effect.provide(Effect.scoped(holding(told)), layer(told)))
