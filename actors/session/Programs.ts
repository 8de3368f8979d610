/** What runs at a session's terminal, while its container lasts: the shell itself, or a multiplexer's client, time and again. */
import { Deferred, Effect, Schedule, Stream } from "effect"
import type { Container, Exited, SubstrateError } from "../../src/substrate/Substrate.js"
import { type Live, Turn } from "./Living.js"
import { Parting } from "./Sessions.js"
import * as Shell from "./Shell.js"
import * as Waiting from "./Waiting.js"

/** For the small commands that look after the multiplexer. */
const SOON = "10 seconds"
const SAID = 4_096

/** As shells count: 128 + n for a signal. */
export const status = ({ code, how }: Exited): number => (how === "exited" ? code : 128 + code)

/** While its root is read the container stands still for a moment, and starts nothing. */
const EBUSY = 16
const stillness = Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurUpTo("10 minutes"))

/** As `start`, as soon as the container takes it. */
export const begin: (container: Container) => Container["start"] = (container) => (command, options) =>
  Effect.retry(container.start(command, options), {
    schedule: stillness,
    while: (error) => error._tag === "SubstrateFailed" && error.errno === EBUSY
  })

/** Its exit status; undefined when it could not be run in time. */
export const quietly = (container: Container, command: Parameters<Container["start"]>[0]) =>
  Effect.scoped(
    Effect.gen(function* () {
      const process = yield* begin(container)({ ...command, outputCap: SAID }, { stdin: false })
      yield* Stream.runDrain(process.output)
      return status(yield* process.exited)
    })
  ).pipe(Effect.timeoutTo({ duration: SOON, onTimeout: () => undefined, onSuccess: (code) => code }))

/** Everybody who is connected sees what it shows, until it ends. */
const once = (live: Live, container: Container) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { columns, rows } = live.terminal.size
      const options = { tty: { columns, rows }, stdin: true }
      const process = yield* begin(container)(Shell.atTerminal(live.shell), options)
      yield* Deferred.succeed(live.running, undefined)
      yield* live.terminal.serve(process)
      return yield* process.exited
    })
  )

const ended = (exited: Exited): Effect.Effect<Turn> => {
  // Then the container's own end says why.
  if (exited.how === "gone") return Effect.never
  const code = status(exited)
  const oom = exited.oom && exited.how === "signalled" && exited.code === 9
  const reason = exited.how === "exited" ? null : oom ? "out of memory" : `ended by signal ${exited.code}`
  const ending = { cause: oom ? ("oom" as const) : ("exit" as const), exitCode: code, reason }
  return Effect.succeed(Turn.Over({ ending, parting: Parting.Exited({ code }) }))
}

const keeps = ({ shell }: Live, container: Container) => {
  const command = Shell.keeps(shell)
  return command === undefined ? Effect.succeed(false) : Effect.map(quietly(container, command), (code) => code === 0)
}

/** Resolves when the multiplexer keeps nothing any more; until then a client of it runs whenever somebody is there to see. */
const multiplexed = (live: Live, container: Container, waits: Waiting.Waits) =>
  Effect.gen(function* () {
    while (true) {
      yield* Waiting.thawed(live)
      const unseen = Effect.as(Waiting.deserted(live, waits, true), undefined)
      const exited = yield* Effect.raceFirst(once(live, container), unseen)
      if (exited !== undefined) {
        if (exited.how === "gone" || !(yield* keeps(live, container))) return exited
        live.terminal.dismiss(Parting.Detached({ why: "asked" }))
      }
      yield* Waiting.visited(live.terminal)
    }
  })

/** Resolves when there is nothing left at the terminal. */
export const run = (live: Live, container: Container, waits: Waiting.Waits) =>
  Effect.flatMap(live.shell.multiplexer === null ? once(live, container) : multiplexed(live, container, waits), ended)

/** Puts input files, and what the multiplexer needs, in place. */
export const prepare = (
  { shell }: Live,
  container: Container,
  inputs: Parameters<typeof Shell.preparing>[1]
): Effect.Effect<unknown, SubstrateError> => {
  const command = Shell.preparing(shell, inputs)
  return command === undefined ? Effect.void : quietly(container, command)
}
