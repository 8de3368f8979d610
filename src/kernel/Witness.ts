/** Writes down what supervisors did. It never holds up supervision: the log itself is a child in the tree. */
import { Cause, Context, Effect, Layer } from "effect"
import { stream } from "../../events/Envelope.js"
import type { SupervisorEvent } from "../../events/Supervisor.js"
import { EventLog, type LogUnavailable } from "../log/EventLog.js"
import { Signal } from "./Signal.js"

export class Witness extends Context.Tag("kernel/Witness")<
  Witness,
  {
    /** Returns at once. `supervisor` is the path whose stream tells it. */
    readonly note: (supervisor: string, event: SupervisorEvent) => void
    /** Waiting to be written. */
    readonly waiting: () => number
    /** Not told because too much was waiting. */
    readonly dropped: () => number
    /** Writes what waits and what comes, in order; run as a child after the log. Interrupted, it writes what it still can. */
    readonly keep: Effect.Effect<never, never, EventLog>
  }
>() {}

const BOUND = 1_024
const BATCH = 64
const PAUSE = "1 second"
const FAREWELL = "2 seconds"

interface Note {
  readonly supervisor: string
  readonly event: SupervisorEvent
}

/** One line, short enough to stay a small fact. */
export const reasonOf = (cause: Cause.Cause<unknown>): string => {
  const errors = Cause.prettyErrors(cause).map((error) => error.message)
  return (errors.length > 0 ? errors.join("; ") : "interrupted").replaceAll(/\s+/g, " ").slice(0, 500)
}

/** Notes of one supervisor on their way into the log. */
interface Batch {
  readonly supervisor: string
  readonly events: ReadonlyArray<SupervisorEvent>
  readonly expected: number
}

class Recorder {
  private notes: Array<Note> = []
  private lost = 0
  /** The streams' versions as far as they are known: as many as there are supervisors. */
  private readonly versions = new Map<string, number>()
  /** Whether it was written is not known: it is looked up before anything else is written. */
  private doubtful: Batch | undefined
  private readonly bell = new Signal()

  readonly waiting = () => this.notes.length
  readonly dropped = () => this.lost

  readonly note = (supervisor: string, event: SupervisorEvent): void => {
    if (this.notes.length >= BOUND) this.lost += 1
    else this.notes.push({ supervisor, event })
    this.bell.ring()
  }

  readonly keep: Effect.Effect<never, never, EventLog> = Effect.flatMap(EventLog, (log) => {
    const patiently = Effect.catchAll(this.flush(log), () =>
      Effect.delay(
        Effect.sync(() => this.bell.ring()),
        PAUSE
      )
    )
    return Effect.zipRight(this.bell.wait, patiently).pipe(
      Effect.forever,
      Effect.onInterrupt(() =>
        this.flush(log).pipe(Effect.interruptible, Effect.timeoutOption(FAREWELL), Effect.ignore)
      )
    )
  })

  private flush(log: typeof EventLog.Service): Effect.Effect<void, LogUnavailable> {
    return Effect.whileLoop({
      while: () => this.notes.length > 0,
      body: () => (this.doubtful === undefined ? this.write(log, this.next()) : this.lookUp(log, this.doubtful)),
      step: () => {}
    })
  }

  private next(): Batch {
    const supervisor = this.notes[0]?.supervisor ?? ""
    const other = this.notes.findIndex((note) => note.supervisor !== supervisor)
    const events = this.notes.slice(0, Math.min(BATCH, other < 0 ? BATCH : other)).map(({ event }) => event)
    // A stream from before this start is as long as the log says when it refuses the guess.
    return { supervisor, events, expected: this.versions.get(supervisor) ?? 0 }
  }

  private write(log: typeof EventLog.Service, batch: Batch): Effect.Effect<void, LogUnavailable> {
    const { events, expected, supervisor } = batch
    // Until the log has answered: an interruption leaves the doubt standing.
    this.doubtful = batch
    return log.append({ stream: stream("supervisor", supervisor), expected, events, by: supervisor }).pipe(
      Effect.matchEffect({
        onSuccess: () => Effect.sync(() => this.written(batch)),
        onFailure: (error) => {
          if (error._tag === "LogUnavailable") {
            if (error.written === "no") this.doubtful = undefined
            return Effect.fail(error)
          }
          this.doubtful = undefined
          this.versions.set(supervisor, error.actual)
          return Effect.void
        }
      })
    )
  }

  private lookUp(log: typeof EventLog.Service, batch: Batch): Effect.Effect<void, LogUnavailable> {
    const { events, expected, supervisor } = batch
    return Effect.map(log.read(stream("supervisor", supervisor), expected), (rows) => {
      this.doubtful = undefined
      if (rows.length === events.length && rows.every((row, index) => row.type === events[index]?._tag))
        return this.written(batch)
      this.versions.set(supervisor, expected + rows.length)
    })
  }

  private written({ events, expected, supervisor }: Batch): void {
    this.doubtful = undefined
    this.versions.set(supervisor, expected + events.length)
    this.notes = this.notes.slice(events.length)
  }
}

export const layer: Layer.Layer<Witness> = Layer.sync(Witness, () => new Recorder())
