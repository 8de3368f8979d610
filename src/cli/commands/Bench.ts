/** `unsandbox bench`: measures this machine; the benchmark's own code is loaded only then. */
import { Command, Options } from "@effect/cli"
import { Effect } from "effect"
import { json } from "../Options.js"
import * as Output from "../Output.js"

const quick = Options.boolean("quick").pipe(Options.withDescription("Fewer and shorter runs, under two minutes"))

export const bench = Command.make("bench", { json, quick }, (given) =>
  Effect.gen(function* () {
    const { measure, render } = yield* Effect.promise(() => import("../../../bench/Bench.js"))
    const measurement = yield* measure({ quick: given.quick, progress: Output.note })
    yield* given.json ? Output.json(measurement.report) : Output.line(render(measurement))
  })
).pipe(Command.withDescription("Measure speed and size on a server of its own"))
