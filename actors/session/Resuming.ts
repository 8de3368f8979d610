/** What a new control plane does about sessions: it goes on with those that a multiplexer kept, and ends the others. */
import { Deferred, Effect, Either, Schema } from "effect"
import { SessionId } from "../../events/Ids.js"
import { SessionTable, type SessionView } from "../../src/projections/SessionTable.js"
import * as Monotonic from "../Monotonic.js"
import * as Waking from "../Waking.js"
import { why } from "../Why.js"
import type { Live } from "./Living.js"
import type { Opening } from "./Opening.js"
import * as Recorded from "./Recorded.js"
import * as Session from "./Session.js"
import * as SessionActor from "./SessionActor.js"
import * as Tenure from "./Tenure.js"
import type { Options, Way } from "./Working.js"

const WIDTH = 64
const ADOPTED_WITHIN = "5 seconds"
const together = { concurrency: WIDTH, discard: true } as const

const stateOf = (view: SessionView): Session.State => {
  const { boost, container, expiresAt, locked, owner, rest, session, status, vcpu } = view
  const traits = { session, owner, multiplexed: view.multiplexer !== null, vcpu, boost, locked, expiresAt }
  if (status === "stopped") return Session.State.Stopped({ traits, rest: rest ?? "restoring" })
  if (container === null) return Session.State.Starting({ traits })
  return status === "frozen"
    ? Session.State.Frozen({ traits, container })
    : Session.State.Running({ traits, container })
}

/** Undefined: there is nothing to go on with. */
const wayOf = ({ container, multiplexer, rest, status }: SessionView): Way | undefined => {
  if (multiplexer === null || status === "starting") return undefined
  if (status === "stopped") return rest === "deep-frozen" ? { _tag: "Resting" } : { _tag: "Again" }
  return container === null ? undefined : { _tag: "Left", container }
}

const isSession = Schema.is(SessionId)

export const resume = (options: Options, opening: Opening, begin: (live: Live, way: Way) => Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    const { log, recordings, volumes } = options
    const table = yield* SessionTable
    const unfinished = yield* table.unfinished

    const tell = (session: SessionId, command: Session.Command) =>
      Waking.wake(log, SessionActor.definition(session, false), command)

    const end = ({ session }: SessionView, reason: string) =>
      tell(session, Session.Command.End({ ending: { cause: "control-plane-restart", exitCode: null, reason } }))

    const goOn = (view: SessionView, way: Way) =>
      Effect.gen(function* () {
        const { audit, multiplexer, network, owner, session, shell: name } = view
        const shell = opening.shellOf(name, multiplexer)
        if (Either.isLeft(shell)) {
          yield* end(view, shell.left.reason)
          return
        }
        const live = yield* opening.admit({ session, owner, network, shell: shell.right, audit }, false)
        live.state = stateOf(view)
        live.lease.hold(Tenure.slotsOf(live.state))
        live.frozenSince = yield* Monotonic.millis
        live.activeAt = view.updatedAt
        yield* opening.recorded(live, name)
        yield* begin(live, way)
        // Who asks right after the start finds it running.
        if (view.status === "running") yield* Effect.exit(Effect.timeout(Deferred.await(live.running), ADOPTED_WITHIN))
      })

    const settle = (view: SessionView) => {
      const way = wayOf(view)
      const settled = way === undefined ? end(view, "the server ended while it ran") : goOn(view, way)
      return Effect.asVoid(settled)
    }

    /** What was recorded of one that ended without having told so. */
    const recorded = (session: SessionId) => Recorded.keep(options, session, (command) => tell(session, command))

    yield* Effect.forEach(unfinished, settle, together)
    const alive = new Set<string>(unfinished.filter((view) => wayOf(view) !== undefined).map(({ session }) => session))
    const over = (names: ReadonlyArray<string>) => names.filter(isSession).filter((name) => !alive.has(name))
    yield* Effect.forEach(over(yield* recordings.names), recorded, { discard: true }).pipe(
      Effect.catchAll((error) => Effect.logWarning("a recording could not be kept", why(error)))
    )
    // Nobody waits for large trees to be gone; what is left of them is the next start's.
    const removed = Effect.forEach(over(yield* volumes.names), volumes.remove, { discard: true })
    yield* Effect.forkScoped(
      Effect.catchAll(removed, (error) => Effect.logWarning("a root could not be removed", why(error)))
    )
  })
