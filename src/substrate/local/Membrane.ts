/** The spawner's process, our own child or one that a former control plane left: watched, ended, waited for. */
import { readFileSync } from "node:fs"
import { type Duration, Effect, Option, Schedule } from "effect"
import { SubstrateLost } from "../Substrate.js"
import * as Place from "./Place.js"

const EXIT = "15 seconds"
const LAST_WORDS = "2 seconds"
const LOOK = "20 millis"

export interface Membrane {
  /** Completes with how it ended, as far as we can know. */
  readonly exited: Effect.Effect<string>
  readonly kill: () => void
  /** It goes on, and we may end. */
  readonly leave: () => void
}

const isGone = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")

/** When the process was started, which no other of its number shares; undefined: it is over. Throws when that cannot be known. */
const startOf = (pid: number): string | undefined => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19]
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** One that is not our child: the kernel tells its end to somebody else. */
export const stranger = (pid: number): Membrane => {
  const start = startOf(pid)
  const isOver = () => {
    try {
      return start === undefined || startOf(pid) !== start
    } catch {
      return false
    }
  }
  return {
    exited: Effect.sync(isOver).pipe(
      Effect.repeat({ until: (over) => over, schedule: Schedule.spaced(LOOK) }),
      Effect.as("it ended")
    ),
    kill: () => {
      if (!isOver()) process.kill(pid, "SIGKILL")
    },
    leave: () => {}
  }
}

/** Interruptible inside, so that the deadline works in a finalizer too. */
const exitWithin = (membrane: Membrane, duration: Duration.DurationInput) =>
  membrane.exited.pipe(Effect.interruptible, Effect.timeoutOption(duration))

/** Once the connection is closed it destroys what it does not keep; without anything kept it exits. */
export const end = (membrane: Membrane, place: Place.Place, keeps: boolean) =>
  Effect.gen(function* () {
    if (keeps) return membrane.leave()
    if (Option.isNone(yield* exitWithin(membrane, EXIT))) {
      membrane.kill()
      yield* exitWithin(membrane, LAST_WORDS)
    }
    yield* Place.forget(place)
  })

/** Why it ended: `reason`, how it ended and what it wrote, as far as that is known soon. */
export const lastWords = (membrane: Membrane, place: Place.Place, reason: string) =>
  Effect.gen(function* () {
    const how = yield* exitWithin(membrane, LAST_WORDS)
    const ended = Option.match(how, { onNone: () => reason, onSome: (words) => `${reason} (${words})` })
    const said = yield* Place.said(place)
    return new SubstrateLost({ reason: said === "" ? ended : `${ended}: ${said}` })
  })
