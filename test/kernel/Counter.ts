/** A small actor for tests: it adds what it is given, one event a number, and can be made to crash anywhere. */
import { Data, Effect, Either } from "effect"
import { stream } from "../../events/Envelope.js"
import { type PoolEvent, read } from "../../events/Pool.js"
import * as Actor from "../../src/kernel/Actor.js"
import { EventLog } from "../../src/log/EventLog.js"
import type { MemoryLog } from "./MemoryLog.js"

export interface State {
  readonly total: number
  readonly count: number
}

export interface Add {
  readonly numbers: ReadonlyArray<number>
}

export class TooMany extends Data.TaggedError("TooMany")<{ readonly total: number }> {}

/** The total that ends a counter well. */
export const FULL = 1_000

export const initial: State = { total: 0, count: 0 }

export const added = (target: number): PoolEvent => ({ _tag: "PoolSized", pool: "zerotrust", target, maximum: 0 })

export const decide = (state: State, { numbers }: Add): Either.Either<ReadonlyArray<PoolEvent>, TooMany> => {
  const total = numbers.reduce((sum, n) => sum + n, state.total)
  return total > FULL ? Either.left(new TooMany({ total })) : Either.right(numbers.map(added))
}

export const evolve = (state: State, event: PoolEvent): State =>
  event._tag === "PoolSized" ? { total: state.total + event.target, count: state.count + 1 } : state

export const folded = (log: MemoryLog): State =>
  log
    .of(counter)
    .reduce((state, row) => evolve(state, Either.getOrThrow(read(row.type, row.schema, row.data))), initial)

export const counter = stream("pool", "counter")

/** Where the next call of a step crashes; each entry crashes once. */
export class Crashes {
  readonly trace: Array<string> = []
  private readonly planned = new Map<string, number>()

  /** `skip` calls of the step go well before the crash. */
  plan(step: "decide" | "evolve" | "react", skip = 0): void {
    this.planned.set(step, skip)
  }

  at(step: "decide" | "evolve" | "react"): void {
    this.trace.push(step)
    const skip = this.planned.get(step)
    if (skip === undefined) return
    if (skip > 0) return void this.planned.set(step, skip - 1)
    this.planned.delete(step)
    throw new Error(`${step} crashed`)
  }
}

export const make = (
  log: MemoryLog,
  crashes = new Crashes(),
  more: Partial<Actor.Definition<State, Add, PoolEvent, TooMany>> = {}
) =>
  Actor.make<State, Add, PoolEvent, TooMany>({
    stream: counter,
    by: "test/counter",
    capacity: 64,
    initial,
    decide: (state, command) => {
      crashes.at("decide")
      return decide(state, command)
    },
    evolve: (state, event) => {
      crashes.at("evolve")
      return evolve(state, event)
    },
    read,
    react: () => Effect.sync(() => crashes.at("react")),
    done: (state) => state.total === FULL,
    ...more
  }).pipe(Effect.provideService(EventLog, log.service))
