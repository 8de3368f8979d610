/** The workers: one for each session, from its opening until all of its end is told. */
import { Cause, Deferred, Effect, Exit, FiberId, FiberMap, Option } from "effect"
import type { ContainerId, SessionId } from "../../events/Ids.js"
import { Refused } from "../../src/guards/Guard.js"
import type { Slots } from "../key/Slots.js"
import { why } from "../Why.js"
import * as Hosting from "./Hosting.js"
import { type Live, type Living, Turn } from "./Living.js"
import * as Recorded from "./Recorded.js"
import * as Session from "./Session.js"
import { type Failure, Parting, SessionLost } from "./Sessions.js"
import * as Telling from "./Telling.js"
import * as Waiting from "./Waiting.js"

export interface Options extends Hosting.Options, Recorded.Stores {
  readonly slots: typeof Slots.Service
}

/** How a session comes into this process' hands. */
export type Way =
  | { readonly _tag: "New"; readonly inputs: Hosting.Inputs; readonly fill: Effect.Effect<void, Failure> }
  | { readonly _tag: "Again" }
  | { readonly _tag: "Left"; readonly container: ContainerId }
  | { readonly _tag: "Resting" }

type Failing = Effect.Effect.Error<ReturnType<typeof Hosting.begin> | ReturnType<typeof Hosting.goOn>> | Failure

const told = (error: Failing): Failure => {
  switch (error._tag) {
    case "Refused":
    case "LogUnavailable":
    case "StoreUnavailable":
    case "LayerRefused":
    case "SessionLost":
      return error
    default:
      return new SessionLost({ reason: why(error) })
  }
}

/** How one whose worker did not bring it to an end ended. */
const cut = (cause: Cause.Cause<Failing>): Session.Ending => {
  const ending = (cause: Session.Ending["cause"], reason: string) => ({ cause, exitCode: null, reason })
  if (Cause.isInterruptedOnly(cause)) return ending("control-plane-restart", "the server stopped")
  const failure = Option.getOrUndefined(Cause.failureOption(cause))
  if (failure === undefined) return ending("unstartable", "no container could be had")
  if (failure instanceof Refused) return ending("no-capacity", why(failure))
  const host = failure._tag === "ContainerLost" || failure._tag === "SubstrateLost"
  return ending(host ? "node-lost" : "unstartable", why(failure))
}

/** What goes on without us, or sleeps, until the next control plane finds it. */
const survives = ({ shell, state }: Live): boolean =>
  shell.multiplexer !== null && (state._tag === "Running" || state._tag === "Frozen" || state._tag === "Stopped")

export const make = (options: Options, living: Living) =>
  Effect.gen(function* () {
    const { layers, log, volumes, waits } = options
    const workers = yield* FiberMap.make<SessionId>()

    /** No container; its time goes on all the same. */
    const resting = (live: Live) =>
      Effect.raceFirst(Deferred.await(live.turn), Effect.as(Waiting.due(live, waits), Waiting.expired as Turn)).pipe(
        Effect.tap((turn) =>
          turn._tag === "Over" ? Effect.ignore(Telling.insist(log, live, Session.Command.End(turn))) : Effect.void
        )
      )

    const replace = (live: Live, { layer, replaced }: Turn & { readonly _tag: "Replace" }) =>
      live.root
        .withPermits(1)(volumes.replace(live.session, (directory) => layers.unpack(layer, directory)))
        .pipe(
          Effect.zipRight(Telling.tell(live, Session.Command.Replaced({ layer }))),
          Effect.exit,
          Effect.flatMap((exit) => Deferred.done(replaced, Exit.asVoid(exit)))
        )

    /** A start from rest that comes to nothing ends nothing: who waits for it is told, and its root stays where it is. */
    const again = (live: Live) =>
      Effect.catchAll(Hosting.begin(options, live, []), (error) =>
        Effect.suspend((): Effect.Effect<Turn, Failing> => {
          // Over meanwhile, or begun; or nobody can tell which.
          const unknown = error._tag === "LogUnavailable" && error.written === "unknown"
          if (live.state._tag !== "Stopped" || unknown) return Effect.fail(error)
          live.turn = Deferred.unsafeMake(FiberId.none)
          return Effect.as(Deferred.fail(live.running, told(error)), Turn.Rest())
        })
      )

    const hosted = (live: Live, way: Way) => {
      switch (way._tag) {
        case "New":
          return Effect.zipRight(way.fill, Hosting.begin(options, live, way.inputs))
        case "Again":
          return again(live)
        case "Left":
          return Hosting.goOn(options, live, way.container)
        case "Resting":
          return resting(live)
      }
    }

    const life = (live: Live, first: Way) =>
      Effect.gen(function* () {
        let way = first
        let rests = false
        while (true) {
          if (!rests) live.turn = yield* Deferred.make<Turn>()
          const turn: Turn = yield* hosted(live, way)
          if (turn._tag === "Over" || turn._tag === "Deleted") return turn
          // Whoever woke it waits for the one that is there already.
          rests = turn._tag === "Rest"
          if (!rests && way._tag !== "Resting") live.running = yield* Deferred.make<void, Failure>()
          if (turn._tag === "Replace") yield* replace(live, turn)
          way = turn._tag === "Rest" ? { _tag: "Resting" } : { _tag: "Again" }
        }
      })

    /** What was recorded is closed, kept, and told; none is fine. */
    const recorded = (live: Live, status: number | null) =>
      Effect.gen(function* () {
        if (live.recording !== undefined) yield* live.recording.close(status)
        yield* Recorded.keep(options, live.session, (command) => Effect.ignore(Telling.insist(log, live, command)))
      }).pipe(Effect.catchAll((error) => Effect.logWarning("a recording could not be kept", error.reason)))

    const conclude = (live: Live, exit: Exit.Exit<Turn, Failing>) =>
      Effect.gen(function* () {
        if (Exit.isFailure(exit)) {
          if (Cause.isInterruptedOnly(exit.cause) && survives(live)) {
            live.terminal.dismiss(Parting.Detached({ why: "stopping" }))
            return yield* Effect.ignore(live.recording?.close(null) ?? Effect.void)
          }
          const failure = Option.map(Cause.failureOption(exit.cause), told)
          if (Option.isSome(failure)) yield* Deferred.fail(live.running, failure.value)
          yield* Effect.ignore(Telling.insist(log, live, Session.Command.End({ ending: cut(exit.cause) })))
        }
        const turn = Exit.isSuccess(exit) ? exit.value : undefined
        live.terminal.dismiss(turn?._tag === "Over" ? turn.parting : Parting.Gone({ why: "it has ended" }))
        yield* recorded(live, turn?._tag === "Over" ? turn.ending.exitCode : null)
        yield* live.root.withPermits(1)(Effect.ignore(volumes.remove(live.session)))
      })

    const begin = (live: Live, way: Way) =>
      FiberMap.run(
        workers,
        live.session,
        Effect.uninterruptibleMask((restore) =>
          Effect.exit(restore(life(live, way))).pipe(
            Effect.flatMap((exit) => conclude(live, exit)),
            Effect.ensuring(live.actor.stop),
            Effect.ensuring(
              Effect.sync(() => living.forget(live, new SessionLost({ reason: "the session has ended" })))
            )
          )
        )
      )

    return { begin }
  })
