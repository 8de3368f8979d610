/** What a service printed, as one answer or line by line as it comes. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { Effect, Schedule, Stream } from "effect"
import type { ServiceId } from "../../../events/Ids.js"
import type { StoreUnavailable } from "../../store/Blobs.js"
import { ServiceLogs } from "../../store/ServiceLogs.js"
import * as Seats from "../logs/Seats.js"
import * as Problem from "../Problem.js"
import * as Standing from "../Standing.js"
import * as Answer from "../wire/Answer.js"
import { AnswerRoom } from "../wire/AnswerRoom.js"
import * as EventStream from "../wire/EventStream.js"
import type { One, ServiceRoutes } from "./ServiceRoutes.js"

const USUAL_LINES = 9_000
/** As much as is kept of one; an answer has it twice. */
const MOST_BYTES = 16 * 2 ** 20
/** A follower begins with these. */
const RECENT_BYTES = 64 * 1024
const KEEPALIVE = "15 seconds"
/** Its reader comes again. */
const LONGEST_LIFE = "1 hour"
const LONGEST_LINE = 256 * 1024

const truths = new Set(["true", "1", "yes", ""])

interface Asked {
  readonly lines: number
  readonly follow: boolean
}

const asked = ({ request }: One): Asked => {
  const mark = request.url.indexOf("?")
  const query = new URLSearchParams(mark < 0 ? "" : request.url.slice(mark))
  const lines = Number(query.get("lines") ?? USUAL_LINES)
  const all = query.has("all") && truths.has(query.get("all") ?? "")
  const accepts = request.headers.accept?.includes("text/event-stream") === true
  return {
    lines: all ? Number.POSITIVE_INFINITY : Number.isSafeInteger(lines) && lines > 0 ? lines : USUAL_LINES,
    follow: accepts || (query.has("follow") && truths.has(query.get("follow") ?? ""))
  }
}

const lastLines = (text: string, count: number): { readonly text: string; readonly lines: number } => {
  const lines = text.split("\n")
  const ended = lines.at(-1) === ""
  if (ended) lines.pop()
  const kept = lines.length > count ? lines.slice(-count) : lines
  return { text: kept.join("\n") + (ended && kept.length > 0 ? "\n" : ""), lines: kept.length }
}

/** Pieces to whole lines; a line that never ends is told in parts. */
const linesOf = <E>(pieces: Stream.Stream<string, E>): Stream.Stream<string, E> =>
  Stream.mapConcat(
    Stream.mapAccum(pieces, "", (open, piece) => {
      const lines = (open + piece).split("\n")
      const rest = lines.pop() ?? ""
      if (rest.length <= LONGEST_LINE) return [rest, lines]
      return ["", [...lines, rest]]
    }),
    (lines) => lines
  )

export const make = ({ own }: ServiceRoutes) =>
  Effect.gen(function* () {
    const store = yield* ServiceLogs
    const room = yield* AnswerRoom
    const inGoodStanding = yield* Standing.make
    const seats = Seats.make()

    const whole = (one: One, service: ServiceId, owner: string, { lines }: Asked) =>
      Effect.gen(function* () {
        const { lines: count, text } = lastLines(yield* store.read(service, MOST_BYTES), lines)
        yield* room.hold(one.request, owner, 4 * Buffer.byteLength(text))
        return Answer.json({ log: text, logs: text, id: service, service_id: service, lines: count })
      })

    const live = (service: ServiceId, owner: string): Stream.Stream<string, StoreUnavailable> => {
      const recent = Effect.map(store.read(service, RECENT_BYTES), (text) => lastLines(text, 100).text)
      const lines = linesOf(Stream.concat(Stream.fromEffect(recent), store.follow(service)))
      const told = Stream.map(lines, (line) => EventStream.event({ source: service, line }))
      const alive = Stream.map(
        Stream.repeatEffectWithSchedule(Effect.void, Schedule.spaced(KEEPALIVE)),
        () => EventStream.keepalive
      )
      const good = Stream.repeatEffectWithSchedule(inGoodStanding(owner), Schedule.spaced("1 second")).pipe(
        Stream.takeWhile((still) => still),
        Stream.drain
      )
      const whole = Stream.merge(told, alive, { haltStrategy: "left" })
      return Stream.merge(whole, good, { haltStrategy: "either" }).pipe(Stream.interruptAfter(LONGEST_LIFE))
    }

    const followed = (one: One, service: ServiceId, owner: string) =>
      Effect.as(
        seats.take(one.request, owner),
        HttpServerResponse.stream(Stream.encodeText(live(service, owner)), {
          contentType: "text/event-stream",
          headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
        })
      )

    const logs = Effect.fnUntraced(function* (one: One) {
      const { view } = yield* own(one)
      const how = asked(one)
      return how.follow
        ? yield* followed(one, view.service, view.owner)
        : yield* whole(one, view.service, view.owner, how)
    }, Effect.mapError(Problem.of))

    return { logs }
  })
