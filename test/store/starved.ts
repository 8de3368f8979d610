/** A process that has no descriptor left, and tells what becomes of a tool it wants to run. */
import { writeSync } from "node:fs"
import { Effect } from "effect"
import * as Tool from "../../src/store/Tool.js"
import { takeAll } from "../support/descriptors.js"

export const main = (): Promise<void> =>
  Effect.gen(function* () {
    const giveBack = takeAll()
    const without = yield* Effect.either(Tool.run(["true"], "1 minutes"))
    giveBack()
    const afterwards = yield* Effect.either(Tool.run(["echo", "fine"], "1 minutes"))
    writeSync(1, JSON.stringify([without, afterwards]))
  }).pipe(Effect.runPromise)
