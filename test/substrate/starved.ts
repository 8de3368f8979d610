/** A process that has too few descriptors to look at every process, and tells who it thinks is left in a container. */
import { writeSync } from "node:fs"
import { Effect } from "effect"
import { left } from "../../src/substrate/local/Left.js"
import { takeAll } from "../support/descriptors.js"

const seal = new Map([
  ["cgroup", "0::/unsandbox-0123456789ab/1"],
  ["ns.pid", "1"]
])

export const main = (): Promise<void> =>
  Effect.gen(function* () {
    // Enough to read the names of all processes.
    const giveBack = takeAll(1)
    const without = yield* left(seal)
    giveBack()
    const afterwards = yield* left(seal)
    writeSync(1, JSON.stringify([without, afterwards]))
  }).pipe(Effect.runPromise)
