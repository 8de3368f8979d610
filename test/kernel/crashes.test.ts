import { Effect, Either, Exit, Fiber } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { live } from "../support/it.js"
import * as Counter from "./Counter.js"
import { type Fault, MemoryLog } from "./MemoryLog.js"

/** Commands by their own numbers, so that each can be found in the log. */
const commands: ReadonlyArray<Counter.Add> = [{ numbers: [1, 2] }, { numbers: [4] }, { numbers: [8, 16, 32] }]

const occurrences = (log: MemoryLog, number: number) => log.rows.filter((row) => row.data.target === number).length

interface Crash {
  readonly step: "decide" | "evolve" | "react"
  readonly skip: number
}

const crashAt = (crash: Crash | undefined, fault: Fault, faultAt: number, existing: boolean) =>
  Effect.gen(function* () {
    const log = new MemoryLog()
    const crashes = new Counter.Crashes()
    if (existing) log.write({ stream: Counter.counter, events: [Counter.added(64), Counter.added(128)], by: "before" })
    if (crash !== undefined) crashes.plan(crash.step, crash.skip)
    log.faults = [...Array.from({ length: faultAt }, (): Fault => "fine"), fault]
    const actor = yield* Counter.make(log, crashes, { born: !existing })
    const askers = yield* Effect.forEach(commands, (command) => Effect.fork(Effect.either(actor.ask(command))))
    yield* Effect.yieldNow()
    yield* Effect.forkScoped(Effect.retry(actor.run, { times: 5 }))
    const answers = yield* Effect.forEach(askers, Fiber.join).pipe(Effect.timeout("2 seconds"))
    const state = yield* Effect.retry(actor.ask({ numbers: [] }), { times: 3 })
    return { answers, log, state }
  })

const invariant = ({ answers, log, state }: Effect.Effect.Success<ReturnType<typeof crashAt>>) => {
  expect(state).toEqual(Counter.folded(log))
  expect(log.rows.map((row) => row.version)).toEqual(log.rows.map((_, index) => index + 1))
  for (const [index, answer] of answers.entries()) {
    const counts = (commands[index]?.numbers ?? []).map((number) => occurrences(log, number))
    // All of a command's events or none, and never twice.
    expect(new Set(counts).size).toBe(1)
    expect(counts[0]).toBeLessThanOrEqual(1)
    if (Either.isRight(answer)) expect(counts[0]).toBe(1)
    else if (answer.left._tag !== "OutcomeUnknown") expect(counts[0]).toBe(0)
  }
}

describe("a crash at any step: every ask completes, no event is lost or doubled, the state is the fold of the stream", () => {
  for (const existing of [false, true]) {
    const stream = existing ? "an old stream" : "a new stream"
    // From the replay or the first reaction on, up to past the last command.
    for (const step of ["decide", "evolve", "react"] as const)
      for (let skip = 0; skip < 9; skip++)
        live(`${stream}, ${step} number ${skip + 1}`, () =>
          Effect.map(crashAt({ step, skip }, "fine", 0, existing), invariant)
        )
    for (const fault of ["no", "unknown", "written-unknown", "dies", "written-dies", "raced"] as const)
      for (const at of [0, 1, 2])
        live(`${stream}, append number ${at + 1} ${fault}`, () =>
          Effect.map(crashAt(undefined, fault, at, existing), invariant)
        )
  }

  live("a reaction that crashes half-way is run again on the same state, after its answer was given", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      const reactions: Array<number> = []
      const actor = yield* Counter.make(log, undefined, {
        react: ({ total }) =>
          Effect.suspend(() => {
            reactions.push(total)
            return reactions.length === 2 ? Effect.dieMessage("half-way") : Effect.void
          })
      })
      yield* Effect.forkScoped(Effect.retry(actor.run, { times: 5 }))
      expect((yield* actor.ask({ numbers: [5] })).total).toBe(5)
      yield* actor.ask({ numbers: [] })
      expect(reactions).toEqual([0, 5, 5])
    })
  )

  live("crashes again in the replay and in the reaction after it before it comes through", () =>
    Effect.gen(function* () {
      const log = new MemoryLog()
      log.write({ stream: Counter.counter, events: [Counter.added(1)], by: "before" })
      const crashes = new Counter.Crashes()
      const actor = yield* Counter.make(log, crashes)
      crashes.plan("evolve")
      expect((yield* Effect.flip(actor.run)).step).toBe("replay")
      crashes.plan("react")
      expect((yield* Effect.flip(actor.run)).step).toBe("react")
      yield* Effect.forkScoped(actor.run)
      expect((yield* actor.ask({ numbers: [1] })).total).toBe(2)
    })
  )
})

/** What a careful client does: sends again what was not accepted, reads first when the outcome is unknown. */
const insist = (actor: Effect.Effect.Success<ReturnType<typeof Counter.make>>, command: Counter.Add, log: MemoryLog) =>
  Effect.gen(function* () {
    const before = log.rows.length
    for (;;) {
      const answer = yield* Effect.either(actor.ask(command))
      if (Either.isRight(answer) || answer.left._tag === "TooMany") return
      // A read that went through the actor stands behind whatever was in flight.
      yield* Effect.retry(actor.ask({ numbers: [] }), { times: 20 })
      if (answer.left._tag === "OutcomeUnknown" && log.rows.length > before) return
    }
  })

const run = (script: ReadonlyArray<Counter.Add>, plan: ReadonlyArray<Crash>, faults: ReadonlyArray<Fault>) =>
  Effect.gen(function* () {
    const log = new MemoryLog()
    const crashes = new Counter.Crashes()
    const actor = yield* Counter.make(log, crashes, { done: () => false })
    yield* Effect.forkScoped(Effect.retry(actor.run, { times: 200 }))
    log.faults = [...faults]
    for (const [index, command] of script.entries()) {
      const crash = plan[index]
      if (crash !== undefined) crashes.plan(crash.step, crash.skip)
      yield* insist(actor, command, log)
    }
    const state = yield* Effect.retry(actor.ask({ numbers: [] }), { times: 20 })
    return { state, numbers: log.rows.map((row) => row.data.target), folded: Counter.folded(log) }
  }).pipe(Effect.scoped, Effect.timeout("10 seconds"))

describe("random commands with random crashes", () => {
  const commandsOf = fc.array(
    fc.record({ numbers: fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 4 }) }),
    { minLength: 1, maxLength: 12 }
  )
  const step = fc.constantFrom<Crash["step"]>("decide", "evolve", "react")
  const crash = fc.option(fc.record({ step, skip: fc.nat({ max: 6 }) }), { nil: undefined })
  const faultOf = fc.constantFrom<Fault>("fine", "no", "unknown", "written-unknown", "dies", "written-dies")

  it("end as the same commands without", () =>
    fc.assert(
      fc.asyncProperty(
        commandsOf,
        fc.array(crash, { maxLength: 12 }),
        fc.array(faultOf, { maxLength: 12 }),
        async (script, plan, faults) => {
          const planned = plan.filter((one) => one !== undefined)
          const quiet = await Effect.runPromise(run(script, [], []))
          const noisy = await Effect.runPromise(run(script, planned, faults))
          expect(noisy).toEqual(quiet)
          expect(noisy.state).toEqual(noisy.folded)
        }
      ),
      { numRuns: 300 }
    ))

  it("and the client's own care is what it takes: sending again blindly doubles events", async () => {
    const doubled = Effect.gen(function* () {
      const log = new MemoryLog()
      log.faults = ["written-unknown"]
      const actor = yield* Counter.make(log)
      yield* Effect.forkScoped(Effect.retry(actor.run, { times: 3 }))
      yield* Effect.retry(actor.ask({ numbers: [1] }), { times: 1 })
      return log.rows.length
    })
    expect(await Effect.runPromiseExit(Effect.scoped(doubled))).toEqual(Exit.succeed(2))
  })
})
