/** The control plane's own stream: when it started, on what, what it settled, and when it stopped. */
import { Effect } from "effect"
import { stream } from "../../events/Envelope.js"
import type { NodeEvent } from "../../events/Node.js"
import { EventLog } from "../../src/log/EventLog.js"

const NAME = stream("node", "main")

export interface NodeJournal {
  /** One writer, one at a time; durable when it resolves. */
  readonly tell: (...events: ReadonlyArray<NodeEvent>) => ReturnType<typeof append>
}

const append = (log: typeof EventLog.Service, expected: number, events: ReadonlyArray<NodeEvent>) =>
  log.append({ stream: NAME, expected, events, by: "root" })

export const make = Effect.gen(function* () {
  const log = yield* EventLog
  let version = (yield* log.read(NAME)).length
  const one = yield* Effect.makeSemaphore(1)
  const tell = (...events: ReadonlyArray<NodeEvent>) =>
    one.withPermits(1)(
      Effect.suspend(() => append(log, version, events)).pipe(
        Effect.tap((rows) => {
          version += rows.length
        })
      )
    )
  return { tell } satisfies NodeJournal
})
