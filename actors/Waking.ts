/** An actor woken for one command: it replays its stream, decides, and goes back to sleep. */
import { Effect } from "effect"
import type { AnyEvent } from "../events/Catalogue.js"
import * as Actor from "../src/kernel/Actor.js"
import { type EventLog, LogUnavailable } from "../src/log/EventLog.js"

/** Another writer may have been quicker; after each such loss the stream is read anew. */
const LOSSES = 2

/** Succeeds once what the command became is durable. Interrupted, it may have happened or not. */
export const wake = <S, C, E extends AnyEvent, Rej>(
  log: typeof EventLog.Service,
  definition: Omit<Actor.Definition<S, C, E, Rej>, "done">,
  command: C,
  meta?: Actor.Meta
) =>
  Effect.gen(function* () {
    // What has ended is asked too: its `decide` knows what to answer.
    const actor = Actor.on(log, { ...definition, done: () => false })
    const awake = Effect.ensuring(Effect.retry(actor.run, { times: LOSSES }), actor.stop)
    // Whoever wakes it may not be interruptible; it must be, or the scope would wait for it for ever.
    yield* Effect.forkScoped(Effect.interruptible(awake))
    return yield* actor.commit(command, meta)
  }).pipe(Effect.scoped)

type Unanswered = Actor.NotAccepted | Actor.OutcomeUnknown

/** No answer of an actor that goes on, or has come to its end, in the words of the log. */
export const unheard = ({ _tag }: Unanswered) =>
  new LogUnavailable({ reason: _tag, written: _tag === "OutcomeUnknown" ? "unknown" : "no" })

/** The same of one that was woken: when that stops without an answer, it could not read its history. */
export const unanswered = (declined: Unanswered) =>
  declined._tag === "NotAccepted" && declined.reason === "stopped"
    ? new LogUnavailable({ reason: declined._tag, written: "no", unread: "history" })
    : unheard(declined)
