/** A log as server-sent events: what has been, then what comes, for as long as its reader reads and its key is good. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Chunk, Clock, Effect, Option, Stream } from "effect"
import type { LogUnavailable } from "../../log/EventLog.js"
import { levels } from "../../projections/LogLine.js"
import type { Filter, Line, LogLines } from "../../projections/LogLines.js"
import * as EventStream from "../wire/EventStream.js"

interface Followed {
  readonly owner: string
  readonly filter: Filter
  /** The place after which it begins. */
  readonly from: number
  /** Asked before every look: may it go on? */
  readonly allowed: Effect.Effect<boolean>
}

const keepalive = "15 seconds"
/** Between two looks: a busy log is told in batches. */
const pause = "100 millis"
const batch = 500
const longestMillis = 3_600_000

const comment = Buffer.from(EventStream.keepalive)

export const told = ({ at, level, source, text }: Line) => {
  const timestamp = new Date(at / 1_000).toISOString()
  return { source, line: `${timestamp} ${level.toUpperCase()} ${text}`, timestamp, level }
}

const event = (line: Line): string => EventStream.event(told(line))

const matches =
  ({ grep, level, source }: Filter) =>
  (line: Line): boolean =>
    (source === undefined || line.source === source) &&
    levels.indexOf(line.level) >= levels.indexOf(level) &&
    line.text.toLowerCase().includes(grep.toLowerCase())

/** `after` the place of the last line that was told; ends at `until`. */
export const frames = (table: LogLines["Type"], { allowed, filter, from, owner }: Followed, until: number) => {
  const wanted = matches(filter)
  const look = Effect.fnUntraced(function* (
    after: number
  ): Effect.fn.Return<Option.Option<readonly [Chunk.Chunk<Uint8Array>, number]>, LogUnavailable> {
    if ((yield* Clock.currentTimeMillis) > until || !(yield* allowed)) return Option.none()
    const found = yield* table.after(owner, after, batch)
    const last = found.at(-1)?.seq
    if (last === undefined) {
      const grown = yield* Effect.timeoutOption(table.grown(owner, after), keepalive)
      return Option.some([Option.isSome(grown) ? Chunk.empty() : Chunk.of(comment), after])
    }
    const text = found.filter(wanted).map(event).join("")
    yield* Effect.sleep(pause)
    return Option.some([text === "" ? Chunk.empty() : Chunk.of(Buffer.from(text)), last])
  })
  return Stream.unfoldChunkEffect(from, look)
}

export const follow = (table: LogLines["Type"], followed: Followed) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    // The first bytes send the head on its way, before anything has happened.
    const all = Stream.concat(Stream.succeed(comment), frames(table, followed, now + longestMillis))
    // What cannot be read now ends the stream: its reader comes again.
    const whole = Stream.catchAll(all, () => Stream.empty)
    return HttpServerResponse.stream(whole, { contentType: "text/event-stream" })
  })
