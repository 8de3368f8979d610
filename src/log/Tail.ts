/** Follows the log: pages come from the table, a signal only says that there may be more. */
import { Chunk, Effect, Option, Stream } from "effect"
import type { Row } from "../../events/Envelope.js"
import { LogUnavailable } from "./EventLog.js"

const pageSize = 256

type Wait = (after: number) => Effect.Effect<void, LogUnavailable>

/** Wakes who waits for a seq; holds a function for each of them and no rows. */
export const makeSignal = (head: () => number) => {
  const waiting = new Set<() => void>()
  let closed = false

  const wake = () => {
    for (const resume of waiting) resume()
  }

  const wait: Wait = (after) =>
    Effect.async((resume) => {
      const look = () => {
        if (closed) resume(new LogUnavailable({ reason: "the log is closing", written: "no" }))
        else if (head() > after) resume(Effect.void)
        else return
        waiting.delete(look)
      }
      waiting.add(look)
      look()
      return Effect.sync(() => waiting.delete(look))
    })

  const close = () => {
    closed = true
    wake()
  }
  return { wake, wait, close }
}

type Page = (after: number, limit: number) => Effect.Effect<ReadonlyArray<Row>, LogUnavailable>

export const make = (page: Page, wait: Wait) => (after: number) =>
  Stream.paginateChunkEffect(after, (position) =>
    Effect.map(Effect.zipRight(wait(position), page(position, pageSize)), (rows) => [
      Chunk.unsafeFromArray(rows),
      Option.some(rows.at(-1)?.seq ?? position)
    ])
  )
