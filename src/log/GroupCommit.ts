/** The one writer: units of work wait in a bounded queue, share a transaction, and are answered once it is on disk. */
import { Context, Effect, Exit } from "effect"
import * as Batch from "./Batch.js"
import { Database } from "./Database.js"
import { LogUnavailable } from "./EventLog.js"

interface Unit extends Batch.Runnable {
  readonly weight: number
  /** With a failure: nothing of this unit counts. Without: its own outcome is durable. */
  readonly answer: (failure?: LogUnavailable) => void
  withdrawn: boolean
}

export interface Options {
  /** Units that may wait; one more is refused at once. */
  readonly capacity: number
  /** Bytes that may wait. */
  readonly capacityBytes: number
  /** More in one transaction delays the first of them without saving the last anything. */
  readonly batch: number
}

const defaults: Options = { capacity: 16_384, capacityBytes: 64 * 1024 * 1024, batch: 512 }

export class GroupCommit extends Context.Tag("log/GroupCommit")<
  GroupCommit,
  {
    /**
     * Resolves with the outcome of `work` once the transaction it ran in is durable. Work runs in the order of
     * submission; a failure that it returns is its own (it must have written nothing by then), what it throws
     * undoes the transaction. It may run again after that. `weight` is what it holds in memory, in bytes.
     */
    readonly submit: <A, E>(weight: number, work: () => Exit.Exit<A, E>) => Effect.Effect<A, E | LogUnavailable>
    /** To be called before the first submit. */
    readonly join: (participant: Batch.Participant) => void
    /** Resolves when everything submitted before it has been answered. */
    readonly flush: Effect.Effect<void, LogUnavailable>
  }
>() {}

const refusal = (reason: string) => Exit.fail(new LogUnavailable({ reason, written: "no" }))

// Made once: an error costs its stack trace.
const notRun = refusal("it did not run")

/** Closing the scope commits what waits, and refuses what comes later. */
export const make = Effect.fnUntraced(function* (options: Partial<Options> = {}) {
  const { writer } = yield* Database
  const { capacity, capacityBytes, batch } = { ...defaults, ...options }
  const participants: Array<Batch.Participant> = []
  const transact = Batch.make(writer, participants)
  let waiting: Array<Unit> = []
  let bytes = 0
  let closed = false
  let wake = () => {}

  const take = (): Array<Unit> => {
    const units = waiting.length <= batch ? waiting : waiting.slice(0, batch)
    waiting = waiting.length <= batch ? [] : waiting.slice(batch)
    for (const unit of units) bytes -= unit.weight
    return units.filter((unit) => !unit.withdrawn)
  }

  // One unit that throws must not take its neighbours along: halves narrow it down in a logarithm of transactions.
  const commit = (units: ReadonlyArray<Unit>): void => {
    if (units.length === 0) return
    const abandoned = transact(units)
    if (abandoned === undefined || abandoned.storage || units.length === 1) {
      for (const unit of units) unit.answer(abandoned?.error)
      return
    }
    const middle = units.length >> 1
    commit(units.slice(0, middle))
    commit(units.slice(middle))
  }

  const refused = (weight: number): string | undefined => {
    if (closed) return "the log is closing"
    return waiting.length >= capacity || bytes + weight > capacityBytes ? "too much waits to be written" : undefined
  }

  const submit = <A, E>(weight: number, work: () => Exit.Exit<A, E>) =>
    Effect.async<A, E | LogUnavailable>((resume) => {
      const reason = refused(weight)
      if (reason !== undefined) return resume(refusal(reason))
      let outcome: Exit.Exit<A, E | LogUnavailable> = notRun
      const unit: Unit = {
        weight,
        withdrawn: false,
        run: () => {
          outcome = work()
        },
        answer: (failure) => resume(failure === undefined ? outcome : Exit.fail(failure))
      }
      bytes += weight
      if (waiting.push(unit) === 1) wake()
      return Effect.sync(() => {
        unit.withdrawn = true
      })
    })

  // Fibers run on microtasks and never let a socket in: without this turn of the event loop, batches are of one.
  const work = Effect.async<void>((resume) => {
    const turn = () => {
      wake = () => {}
      setImmediate(() => resume(Effect.void))
    }
    if (waiting.length > 0) turn()
    else wake = turn
  })

  yield* work.pipe(Effect.zipRight(Effect.sync(() => commit(take()))), Effect.forever, Effect.forkScoped)
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      closed = true
      while (waiting.length > 0) commit(take())
    })
  )
  return GroupCommit.of({
    submit,
    join: (participant) => void participants.push(participant),
    flush: submit(0, () => Exit.void)
  })
})
