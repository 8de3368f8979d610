/** Turns refusals into events: the single writer of the `decision/…` streams, and never in anybody's way. */
import { randomUUID } from "node:crypto"
import { Clock, Context, Effect, Layer, Metric } from "effect"
import type { DecisionEvent } from "../../events/Decision.js"
import { stream } from "../../events/Envelope.js"
import type { DecisionPoint } from "../../events/Ids.js"
import type { Refused } from "../../src/guards/Guard.js"
import { type Asked, Refusals } from "../../src/guards/Refusals.js"
import { EventLog } from "../../src/log/EventLog.js"
import * as Tally from "./Tally.js"

/** Alike refusals within it are told as one. */
const WINDOW_MILLIS = 1_000
const RETRY_MILLIS = 1_000
const CLOSING_MILLIS = 5_000
const BY = "refusals"

/** A batch under way to its stream. Its id is the events' cause, so that one of unknown outcome can be looked for. */
interface Letter {
  readonly point: DecisionPoint
  readonly id: string
  readonly events: ReadonlyArray<DecisionEvent>
  doubted: boolean
}

export class RefusalRecorder extends Context.Tag("actors/RefusalRecorder")<
  RefusalRecorder,
  {
    /** Writes for ever; interrupted, it writes what waits (within a deadline) and ends. Owned by the tree. */
    readonly run: Effect.Effect<never>
    /** Refusals that are not in the log yet. */
    readonly waiting: Effect.Effect<number>
  }
>() {}

export const refusals = Metric.counter("unsandbox_refusals_total", {
  description: "Requests refused, by decision point and certainty.",
  incremental: true
})

/** A wall clock that is set back must not hold refusals up. */
const monotonicMillis = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const waiting = Tally.make()
  const outbox = new Map<DecisionPoint, Letter>()
  const versions = new Map<DecisionPoint, number>()
  const counters = new Map<string, Metric.Metric.Counter<number>>()
  const something = yield* Effect.makeLatch(false)

  const counter = ({ certainty, point }: Refused) => {
    const known = counters.get(point + certainty)
    if (known !== undefined) return known
    const made = refusals.pipe(Metric.tagged("point", point), Metric.tagged("certainty", certainty))
    counters.set(point + certainty, made)
    return made
  }

  const note = (refused: Refused, asked: Asked) =>
    Effect.flatMap(monotonicMillis, (now) => {
      counter(refused).unsafeUpdate(1, [])
      waiting.add(refused, asked, now)
      return something.open
    })

  const delivered = ({ point }: Letter, version: number | undefined) => {
    outbox.delete(point)
    if (version !== undefined) versions.set(point, version)
  }

  /** Whether a letter of unknown outcome arrived after all. */
  const arrived = (letter: Letter) =>
    letter.doubted
      ? Effect.map(log.read(stream("decision", letter.point), versions.get(letter.point)), (rows) => {
          const mine = rows.filter((row) => row.cause === letter.id)
          if (mine.length > 0) delivered(letter, mine[mine.length - 1]?.version)
          return mine.length > 0
        })
      : Effect.succeed(false)

  const append = (letter: Letter) =>
    Effect.suspend(() => {
      const { events, id, point } = letter
      // Until there is an outcome there is none: an interruption or a defect leaves it in doubt.
      letter.doubted = true
      return log.append({
        stream: stream("decision", point),
        // Nobody counts a stream's rows for its version at start: the first refusal of the log names it.
        expected: versions.get(point) ?? 0,
        events,
        by: BY,
        cause: id
      })
    }).pipe(
      Effect.tapErrorTag("WrongVersion", ({ actual }) => {
        letter.doubted = false
        return Effect.sync(() => versions.set(letter.point, actual))
      }),
      Effect.tapErrorTag("LogUnavailable", ({ written }) =>
        Effect.sync(() => {
          letter.doubted = written === "unknown"
        })
      ),
      Effect.retry({ times: 2, while: (error) => error._tag === "WrongVersion" }),
      Effect.map((rows) => delivered(letter, rows[rows.length - 1]?.version))
    )

  /** True when everything taken is in the log. What could not be told stays in the outbox. */
  const tell = (until: number) =>
    Effect.suspend(() => {
      for (const [point, events] of waiting.take(until, (point) => outbox.has(point)))
        outbox.set(point, { point, id: `${BY}-${randomUUID()}`, events, doubted: false })
      return Effect.forEach(
        [...outbox.values()],
        (letter) => Effect.flatMap(arrived(letter), (is) => (is ? Effect.void : append(letter))).pipe(Effect.ignore),
        { concurrency: "unbounded", discard: true }
      )
    }).pipe(Effect.map(() => outbox.size === 0))

  const round = Effect.gen(function* () {
    yield* something.await
    const now = yield* monotonicMillis
    yield* Effect.sleep(Math.max(0, (waiting.first() ?? now) + WINDOW_MILLIS - now))
    const told = yield* tell((yield* monotonicMillis) - WINDOW_MILLIS)
    if (!told) return yield* Effect.sleep(RETRY_MILLIS)
    // Closed before it is looked at: what is noted in between opens it again.
    yield* something.close
    if (waiting.size() > 0) yield* something.open
  })

  const untold = () => waiting.size() + [...outbox.values()].reduce((sum, { events }) => sum + events.length, 0)

  const flush = tell(Number.POSITIVE_INFINITY).pipe(
    Effect.repeat({ while: (told) => told && waiting.size() > 0 }),
    Effect.interruptible,
    Effect.timeoutOption(CLOSING_MILLIS),
    Effect.zipRight(
      Effect.suspend(() => (untold() === 0 ? Effect.void : Effect.logWarning(`${untold()} refusals were not recorded`)))
    )
  )

  return Context.make(Refusals, { note }).pipe(
    Context.add(RefusalRecorder, {
      run: Effect.ensuring(Effect.forever(round), flush),
      waiting: Effect.sync(untold)
    })
  )
})

export const layer: Layer.Layer<Refusals | RefusalRecorder, never, EventLog> = Layer.effectContext(make)
