/** The control plane's own stream: when it started, on what, what it settled, and when it stopped. */
import { Effect } from "effect"
import { stream } from "../../events/Envelope.js"
import type { NodeEvent } from "../../events/Node.js"
import { EventLog, type LogUnavailable, type WrongVersion } from "../../src/log/EventLog.js"

const NAME = stream("node", "main")

interface NodeJournal {
  /** One writer, one at a time; durable when it resolves. */
  readonly tell: (...events: ReadonlyArray<NodeEvent>) => Effect.Effect<void, WrongVersion | LogUnavailable>
}

export const make = Effect.gen(function* () {
  const log = yield* EventLog
  const one = yield* Effect.makeSemaphore(1)
  // Read each time: after an append of unknown outcome nothing else knows the version.
  const tell = (...events: ReadonlyArray<NodeEvent>) =>
    one.withPermits(1)(
      Effect.flatMap(log.read(NAME), ({ length }) =>
        Effect.asVoid(log.append({ stream: NAME, expected: length, events, by: "root" }))
      )
    )
  return { tell } satisfies NodeJournal
})
