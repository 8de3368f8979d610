import { Array as Arr, Effect, Either, Exit, Fiber, Layer } from "effect"
import { describe, expect } from "vitest"
import { Database, open } from "../../src/log/Database.js"
import { GroupCommit, make, type Options } from "../../src/log/GroupCommit.js"
import { live } from "../support/it.js"
import { directory } from "../support/storage.js"

const commits = (options: Partial<Options> = {}) =>
  Layer.scoped(GroupCommit, make(options)).pipe(
    Layer.provideMerge(Layer.unwrapScoped(Effect.map(directory, (data) => Layer.scoped(Database, open(data)))))
  )

const numbers = Effect.gen(function* () {
  const { writer, reader } = yield* Database
  writer.exec("CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT")
  const insert = writer.prepare("INSERT INTO numbers VALUES (?)")
  const all = reader.prepare<[], number>("SELECT n FROM numbers ORDER BY n").pluck()
  return { add: (n: number) => insert.run(n), all: () => all.all() }
})

describe("group commit", () => {
  live("undoes a unit that throws and keeps its neighbours", () =>
    Effect.gen(function* () {
      const { submit } = yield* GroupCommit
      const { add, all } = yield* numbers
      const outcomes = yield* Effect.all(
        Arr.makeBy(20, (n) =>
          Effect.either(
            submit(0, () => {
              add(n)
              if (n === 13) throw new Error("a bug")
              return Exit.succeed(n)
            })
          )
        ),
        { concurrency: "unbounded" }
      )
      expect(outcomes.flatMap((outcome, n) => (Either.isLeft(outcome) ? [n] : []))).toEqual([13])
      expect(outcomes[13]).toMatchObject({ left: { _tag: "LogUnavailable", written: "no", reason: "Error: a bug" } })
      expect(all()).toEqual(Arr.makeBy(20, (n) => n).filter((n) => n !== 13))
    }).pipe(Effect.provide(commits()))
  )

  live("refuses at once what does not fit into the queue", () =>
    Effect.gen(function* () {
      const { submit } = yield* GroupCommit
      const { add, all } = yield* numbers
      const outcomes = yield* Effect.all(
        Arr.makeBy(12, (n) => Effect.either(submit(1, () => Exit.succeed(add(n))))),
        { concurrency: "unbounded" }
      )
      expect(outcomes.map(Either.isRight)).toEqual(Arr.makeBy(12, (n) => n < 8))
      expect(all()).toHaveLength(8)
      const heavy = yield* Effect.flip(submit(101, () => Exit.void))
      expect(heavy).toMatchObject({ _tag: "LogUnavailable", written: "no" })
      yield* submit(100, () => Exit.void)
    }).pipe(Effect.provide(commits({ capacity: 8, capacityBytes: 100 })))
  )

  live("does not run what its caller no longer waits for", () =>
    Effect.gen(function* () {
      const { submit, flush } = yield* GroupCommit
      const { add, all } = yield* numbers
      const waiting = yield* Effect.fork(submit(0, () => Exit.succeed(add(1))))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(waiting)
      yield* flush
      expect(all()).toEqual([])
    }).pipe(Effect.provide(commits()))
  )

  live("answers what waits when it closes, and refuses what comes later", () =>
    Effect.gen(function* () {
      const { early, late } = yield* Effect.gen(function* () {
        const { submit } = yield* GroupCommit
        const { add } = yield* numbers
        const early = yield* Effect.forkDaemon(submit(0, () => Exit.succeed(add(1))))
        yield* Effect.yieldNow()
        return { early, late: submit(0, () => Exit.succeed(add(2))) }
      }).pipe(Effect.provide(commits()))
      expect(Exit.isSuccess(yield* Fiber.await(early))).toBe(true)
      expect(yield* Effect.flip(late)).toMatchObject({ _tag: "LogUnavailable", written: "no" })
    })
  )
})
