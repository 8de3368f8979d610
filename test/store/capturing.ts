/** A process that captures a volume, says so, and never gets to the rest of it. */
import { Effect } from "effect"
import { Layers } from "../../src/store/Layers.js"
import { storageIn } from "../support/storage.js"

export const main = (data: string, volume: string): Promise<never> =>
  Effect.gen(function* () {
    yield* (yield* Layers).capture(volume, false)
    console.log("captured")
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(storageIn(data)), Effect.runPromise)
