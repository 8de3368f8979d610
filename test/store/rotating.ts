/** A process that puts secrets and rotates the root key for ever, and prints what is acknowledged; it is there to be killed. */
import { writeSync } from "node:fs"
import { Effect, Redacted } from "effect"
import { RootKeys } from "../../src/store/secrets/RootKeys.js"
import { Secrets } from "../../src/store/secrets/Secrets.js"
import { storageIn } from "../support/storage.js"

const valueOf = (name: string) => `value of ${name}`

const putForEver = (from: number) =>
  Effect.gen(function* () {
    const { put } = yield* Secrets
    for (let n = from; ; n++) {
      yield* put(`put/${n}`, Redacted.make(valueOf(`put/${n}`)))
      // A synchronous write: what has been printed has left this process when it is killed.
      writeSync(1, `put ${n}\n`)
      yield* Effect.sleep("1 millis")
    }
  })

const rotateForEver = Effect.gen(function* () {
  const { rotate } = yield* RootKeys
  while (true) {
    writeSync(1, "rotating\n")
    const { generation } = yield* rotate
    writeSync(1, `rotated ${generation}\n`)
  }
})

export const main = (data: string, from: string): Promise<unknown> =>
  Effect.runPromise(
    Effect.all([putForEver(Number(from)), rotateForEver], { concurrency: 2, discard: true }).pipe(
      Effect.provide(storageIn(data))
    )
  )
