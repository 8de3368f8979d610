/** Requests that were acted on, remembered durably and for longer than any signature is valid; the oldest make room. */
import { Clock, Context, Effect, Exit, Layer } from "effect"
import { Database } from "../log/Database.js"
import type { LogUnavailable } from "../log/EventLog.js"
import { GroupCommit } from "../log/GroupCommit.js"

interface Remembered {
  readonly memory: "first" | "seen"
  /** Unix milliseconds. */
  readonly remembersUntil: number
}

export class SeenRequests extends Context.Tag("store/SeenRequests")<
  SeenRequests,
  {
    /** Puts it there, durably, and tells whether it was there before: of several at once exactly one is the first. */
    readonly remember: (request: string) => Effect.Effect<Remembered, LogUnavailable>
  }
>() {}

/** A signature is valid from 300 s before its timestamp to 300 s after it; a clock may be set back a little beside. */
const REMEMBERED_MILLIS = 900_000
const BYTES = 128

const make = Effect.gen(function* () {
  const { writer } = yield* Database
  const commit = yield* GroupCommit
  const insert = writer.prepare("INSERT OR IGNORE INTO seen_requests (request, until) VALUES (?, ?)")
  const find = writer.prepare<[string], { readonly until: number }>("SELECT until FROM seen_requests WHERE request = ?")
  const forget = writer.prepare("DELETE FROM seen_requests WHERE until < ?")
  return SeenRequests.of({
    remember: (request) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        commit.submit(BYTES, () => {
          forget.run(now)
          const remembersUntil = now + REMEMBERED_MILLIS
          const first = insert.run(request, remembersUntil).changes > 0
          const told: Remembered = first
            ? { memory: "first", remembersUntil }
            : { memory: "seen", remembersUntil: find.get(request)?.until ?? remembersUntil }
          return Exit.succeed(told)
        })
      )
  })
})

export const layer = Layer.effect(SeenRequests, make)
