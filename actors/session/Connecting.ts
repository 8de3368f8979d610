/** Who comes to a session's terminal: let in while it runs, shown what it shows, gone with their scope. */
import { Clock, Effect } from "effect"
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import { transitionLegal } from "../../src/guards/TransitionLegal.js"
import type { Live, Living } from "./Living.js"
import type { Connection, Sessions } from "./Sessions.js"

const MOST = 16

const crowded = capacityAvailable.refuse({
  code: "too_many_connections",
  message: `${MOST} connections are at this session's terminal already. Close one.`,
  status: 429,
  retryAfterSeconds: 5
})

/** What a session that is at rest, or over, says to whoever wants something of its programs. */
export const notRunning = (live: Live | undefined) =>
  transitionLegal.refuse({
    code: "not_running",
    message:
      live?.state._tag === "Starting"
        ? "Session is not running yet. Try again shortly."
        : "Session is not running. Unfreeze it first (POST /sessions/{id}/unfreeze).",
    status: 409,
    details: { state: (live?.state._tag ?? "Ended").toLowerCase() }
  })

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
