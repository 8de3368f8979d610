/** What runs at a session's terminal, while its container lasts: the shell itself, or a multiplexer's client, time and again. */
import { Deferred, Effect, Schedule, Stream } from "effect"
import type { Container, Exited, SubstrateError } from "../../src/substrate/Substrate.js"
import { type Live, over, Turn } from "./Living.js"
import { Parting, SessionLost } from "./Sessions.js"
import * as Shell from "./Shell.js"
import * as Waiting from "./Waiting.js"

/** For the small commands that look after the multiplexer. */
const SOON = "10 seconds"
/** What is late to begin does not begin at all, so it has longer. */
const BEGINS_WITHIN = "60 seconds"
const SAID = 4_096
const AGAIN = "1 second"

type Starting = Pick<Container, "start">
type Command = Parameters<Container["start"]>[0]

/** As shells count: 128 + n for a signal. */
export const status = ({ code, how }: Exited): number => (how === "exited" ? code : 128 + code)

/** While its root is read the container stands still for a moment, and starts nothing. */
const EBUSY = 16
const stillness = Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurUpTo("10 minutes"))

/** As `start`, as soon as the container takes it. */
export const begin: (container: Starting) => Container["start"] = (container) => (command, options) =>
  Effect.retry(container.start(command, options), {
    schedule: stillness,
    while: (error) => error._tag === "SubstrateFailed" && error.errno === EBUSY
  })

/** Its exit status; undefined when it could not be run in time. */
const quietly = (container: Starting, command: Command, within: typeof SOON | typeof BEGINS_WITHIN = SOON) =>
  Effect.scoped(
    Effect.gen(function* () {
      const process = yield* begin(container)({ ...command, outputCap: SAID }, { stdin: false })
      yield* Stream.runDrain(process.output)
      return status(yield* process.exited)
    })
  ).pipe(Effect.timeoutTo({ duration: within, onTimeout: () => undefined, onSuccess: (code) => code }))

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

/** Undefined: it could not be asked, or nobody can tell from the answer. What is frozen is as it was. */
const asked = (live: Live, container: Container, command: Command) =>
  Effect.suspend(() =>
    live.state._tag === "Frozen"
      ? Effect.succeed(undefined)
      : Effect.catchTag(quietly(container, command), "SubstrateFailed", () => Effect.succeed(undefined))
  ).pipe(Effect.map((code) => (code === 0 || code === 1 ? code === 0 : undefined)))

/** After its client has ended: what is not known is asked again. */
const keeps = (live: Live, container: Container): Effect.Effect<boolean, SubstrateError> => {
  const command = Shell.keeps(live.shell)
  if (command === undefined) return Effect.succeed(false)
  return Effect.flatMap(asked(live, container, command), (kept) =>
    kept === undefined ? Effect.delay(keeps(live, container), AGAIN) : Effect.succeed(kept)
  )
}

/** Resolves when it is found, with nobody there to see, that no program is left at all; it is looked for once a grace. */
const forsaken = (live: Live, container: Container, { graceMillis }: Waiting.Waits) =>
  Effect.delay(asked(live, container, Shell.alone(live.shell)), graceMillis).pipe(
    Effect.repeat({ until: (others) => others === false }),
    Effect.asVoid
  )

/** Until the multiplexer keeps nothing any more a client of it runs whenever somebody is there to see. */
const multiplexed = (live: Live, container: Container, waits: Waiting.Waits) =>
  Effect.gen(function* () {
    while (true) {
      yield* Waiting.thawed(live)
      const unseen = Effect.as(Waiting.deserted(live, waits, true), undefined)
      const exited = yield* Effect.raceFirst(once(live, container), unseen)
      if (exited !== undefined) {
        if (exited.how === "gone" || !(yield* keeps(live, container))) return yield* ended(exited)
        live.terminal.dismiss(Parting.Detached({ why: "asked" }))
      }
      const visited = Effect.as(Waiting.visited(live.terminal), true)
      const seen = yield* Effect.raceFirst(visited, Effect.as(forsaken(live, container, waits), false))
      if (!seen) return over("exit", "nothing ran in it any more")
    }
  })

/** Resolves when there is nothing left at the terminal. */
export const run = (live: Live, container: Container, waits: Waiting.Waits) =>
  live.shell.multiplexer === null ? Effect.flatMap(once(live, container), ended) : multiplexed(live, container, waits)

const done = (container: Starting, what: string, command: Command | undefined) =>
  command === undefined
    ? Effect.void
    : Effect.flatMap(quietly(container, command, BEGINS_WITHIN), (code) => {
        if (code === 0) return Effect.void
        const how = code === undefined ? `not within ${BEGINS_WITHIN}` : `exit status ${code}`
        return new SessionLost({ reason: `${what}: ${how}` })
      })

/**
 * Puts input files, and what the multiplexer needs, in place, and has that begin. What is not known to be done counts as not
 * done, and the session has not begun: a new one ends, of which its tenant has nothing yet to lose, and one that was at rest
 * rests on. Called running without what it was asked for, it would be found out by its programs.
 */
export const prepare = (
  { shell }: Pick<Live, "shell">,
  container: Starting,
  inputs: Parameters<typeof Shell.preparing>[1]
): Effect.Effect<void, SubstrateError | SessionLost> =>
  Effect.zipRight(
    done(container, "its input files could not be put in place", Shell.preparing(shell, inputs)),
    done(container, "its multiplexer could not be begun", Shell.founding(shell))
  )
