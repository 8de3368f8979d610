/** Who comes to a session's terminal: let in while it runs, shown what it shows, gone with their scope. */
import { Clock, Effect } from "effect"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import { transitionLegal } from "../../src/guards/TransitionLegal.js"
import type { Live, Living } from "./Living.js"
import type { State } from "./Session.js"
import type { Connection, Sessions } from "./Sessions.js"

const MOST = 16

const crowded = capacityAvailable.refuse({
  code: "too_many_connections",
  message: `${MOST} connections are at this session's terminal already. Close one.`,
  status: 429,
  retryAfterSeconds: 5
})

const unheld = capacityAvailable.refuse({
  code: "session_lost",
  message: "The session's container is not in this server's hands now. Try again shortly.",
  status: 503,
  retryAfterSeconds: 2
})

/** Its programs may be running, as the log says, in a container that a former server left and that is not in hand yet. */
export const isUnheld = ({ claimed, state }: Live): boolean =>
  claimed === undefined && (state._tag === "Running" || state._tag === "Frozen")

const advice = (state: State["_tag"]): string => {
  switch (state) {
    case "Starting":
      return "Session is not running yet. Try again shortly."
    case "Running":
    case "Frozen":
    case "Stopped":
      return "Session is not running. Unfreeze it first (POST /sessions/{id}/unfreeze)."
    case "Absent":
    case "Ended":
      return "Session has ended. Open another (POST /sessions)."
  }
}

/** What a session that is at rest, or over, or not in hand, says to whoever wants something of its programs. */
export const notRunning = (live: Live | undefined) => {
  if (live !== undefined && isUnheld(live)) return unheld
  const state = live?.state._tag ?? "Ended"
  return transitionLegal.refuse({
    code: "not_running",
    message: advice(state),
    status: 409,
    details: { state: state.toLowerCase() }
  })
}

export const touch = (live: Live) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    live.activeAt = now * 1_000
  })

const connection = (live: Live, since: number | undefined) =>
  Effect.gen(function* () {
    const { terminal } = live
    const stale = live.shell.multiplexer !== null && terminal.visited
    const viewer = yield* Effect.acquireRelease(
      Effect.sync(() => terminal.join(since)),
      (viewer) => Effect.sync(() => terminal.leave(viewer))
    )
    if (stale) yield* Effect.forkScoped(terminal.repaint)
    return {
      offset: viewer.at,
      read: terminal.read(viewer),
      // What cannot be recorded is not let through either.
      write: (bytes) =>
        Effect.zipRight(
          touch(live),
          Effect.orElseSucceed(terminal.type(bytes), () => false)
        ),
      resize: (columns, rows) => Effect.ignore(terminal.resize(columns, rows))
    } satisfies Connection
  })

export const make = (living: Living): Pick<typeof Sessions.Service, "connect"> => ({
  connect: (known, since) =>
    Effect.gen(function* () {
      const live = living.find(known.facts.resource)
      if (live?.state._tag !== "Running") return yield* notRunning(live)
      if (live.terminal.present >= MOST) return yield* crowded
      yield* touch(live)
      return yield* connection(live, since)
    })
})
