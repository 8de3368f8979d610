/** A process that appends for ever and prints each seq once it is acknowledged; it is there to be killed. */
import { writeSync } from "node:fs"
import { Effect } from "effect"
import { EventLog } from "../../src/log/EventLog.js"
import { draft } from "../support/drafts.js"
import { storageIn } from "../support/storage.js"

const appendForEver = (caller: number) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const { seq: from } = yield* log.head
    for (let n = 0; ; n++) {
      const rows = yield* log.append(draft((from + n) * 100 + caller, 0))
      // A synchronous write: what has been printed has left this process when it is killed.
      for (const { seq, hash } of rows) writeSync(1, `${seq} ${hash}\n`)
    }
  })

export const main = (data: string): Promise<unknown> =>
  Effect.runPromise(
    Effect.forEach([...Array(16).keys()], appendForEver, { concurrency: "unbounded" }).pipe(
      Effect.provide(storageIn(data, [], { checkpointEvery: 200 }))
    )
  )
