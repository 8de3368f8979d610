/** An actor woken for one command: it replays its stream, decides, and goes back to sleep. */
import { Effect } from "effect"
import type { AnyEvent } from "../events/Catalogue.js"
import * as Actor from "../src/kernel/Actor.js"
import { LogUnavailable } from "../src/log/EventLog.js"

/** What has ended sleeps too: its `decide` knows what to answer. */
export type Sleeper<S, C, E extends AnyEvent, Rej> = Omit<Actor.Definition<S, C, E, Rej>, "done" | "born">

/** Another writer may have been quicker; after each such loss the stream is read anew. */
const LOSSES = 2

/** Succeeds once what the command became is durable. Interrupted, it may have happened or not. */
export const wake = <S, C, E extends AnyEvent, Rej>(
  sleeper: Sleeper<S, C, E, Rej>,
  command: C,
  meta?: Actor.Meta
) =>
  Effect.gen(function* () {
    const actor = yield* Actor.make({ ...sleeper, done: () => false, born: false })
    const awake = Effect.ensuring(Effect.retry(actor.run, { times: LOSSES }), actor.stop)
    // Whoever wakes it may not be interruptible; it must be, or the scope would wait for it for ever.
    yield* Effect.forkScoped(Effect.interruptible(awake))
    return yield* actor.commit(command, meta)
  }).pipe(Effect.scoped)

/** No answer of an actor, in the words of the log. */
export const unanswered = ({ _tag }: Actor.NotAccepted | Actor.OutcomeUnknown) =>
  new LogUnavailable({ reason: _tag, written: _tag === "NotAccepted" ? "no" : "unknown" })
