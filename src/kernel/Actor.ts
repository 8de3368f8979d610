/** An event-sourced process: decide → append → evolve → answer → react, one command at a time. */
import { Cause, Effect, Either } from "effect"
import type { AnyEvent } from "../../events/Catalogue.js"
import type { Row } from "../../events/Envelope.js"
import type { Unreadable } from "../../events/Versioned.js"
import { EventLog, type LogUnavailable, type WrongVersion } from "../log/EventLog.js"
import type { Committed, Definition, Meta } from "./Definition.js"
import * as History from "./History.js"
import { type Letter, Mailbox } from "./Mailbox.js"
import { ActorFailed, NotAccepted, OutcomeUnknown, type Step } from "./Outcome.js"

export { ActorFailed, type Committed, type Definition, type Meta, NotAccepted, OutcomeUnknown }

/** Why there is no answer: the actor's own refusal, or what became of the command instead. */
export type Declined<Rej> = Rej | NotAccepted | OutcomeUnknown | LogUnavailable

export interface Actor<S, C, Rej> {
  /**
   * Succeeds with the state after the command, once its events are durable. Waits while the actor is restarted. Interrupting
   * it withdraws a command that has not been looked at; one that has goes on.
   */
  readonly ask: (command: C, meta?: Meta) => Effect.Effect<S, Declined<Rej>>
  /** As `ask`, with the rows that the command became: what was recorded, and when. */
  readonly commit: (command: C, meta?: Meta) => Effect.Effect<Committed<S>, Declined<Rej>>
  /** True: it waits in the mailbox, and nothing more is known. What must not be lost is asked. */
  readonly tell: (command: C, meta?: Meta) => Effect.Effect<boolean>
  /** Owned by a supervisor; one at a time. A restart is another call: replays, reacts, goes on with the same mailbox. */
  readonly run: Effect.Effect<void, ActorFailed>
  /**
   * It will not run again: whoever waits, and whoever comes later, gets `NotAccepted`; a run under way ends well after its
   * command. Owed by whoever gives up on restarting it (`ended` of Children): otherwise its askers wait for ever.
   */
  readonly stop: Effect.Effect<void>
}

type Answer<S, Rej> = Effect.Effect<Committed<S>, Declined<Rej>>
type Post<S, C, Rej> = Letter<C, Meta, Answer<S, Rej>>

const nothing: ReadonlyArray<Row> = []

/**
 * Nothing of a `WrongVersion` was written, so the command is decided again on the replayed state: what its sender would do.
 * Bounded, because two writers of one stream would otherwise push each other for ever.
 */
const DECISIONS = 3

export const make = <S, C, E extends AnyEvent, Rej>(
  definition: Definition<S, C, E, Rej>
): Effect.Effect<Actor<S, C, Rej>, never, EventLog> => Effect.map(EventLog, (log) => on(log, definition))

/** For whoever makes many and has the log in hand: to provide a service costs more than to make an actor. */
export const on = <S, C, E extends AnyEvent, Rej>(
  log: typeof EventLog.Service,
  definition: Definition<S, C, E, Rej>
): Actor<S, C, Rej> => new Process(definition, log)

class Process<S, C, E extends AnyEvent, Rej> implements Actor<S, C, Rej> {
  private readonly mailbox: Mailbox<C, Meta, Answer<S, Rej>>
  /** Looked at and not yet answered: however the run ends, this is answered. */
  private inHand: Post<S, C, Rej> | undefined
  private state: S
  private version = 0
  private step: Step = "replay"
  private running = false
  private known: boolean

  constructor(
    private readonly self: Definition<S, C, E, Rej>,
    private readonly log: typeof EventLog.Service
  ) {
    this.mailbox = new Mailbox(self.capacity)
    this.state = self.initial
    this.known = self.born === true
  }

  readonly ask = (command: C, meta?: Meta) => Effect.map(this.commit(command, meta), ({ state }) => state)

  readonly commit = (command: C, meta?: Meta): Answer<S, Rej> =>
    Effect.async((resume) => {
      const letter: Post<S, C, Rej> = { command, meta, reply: resume, tries: 0 }
      const refusal = this.mailbox.offer(letter)
      if (refusal !== undefined) return resume(this.refuse(refusal))
      return Effect.sync(() => {
        letter.reply = undefined
        this.mailbox.withdraw(letter)
      })
    })

  readonly tell = (command: C, meta?: Meta): Effect.Effect<boolean> =>
    Effect.sync(() => this.mailbox.offer({ command, meta, reply: undefined, tries: 0 }) === undefined)

  readonly stop: Effect.Effect<void> = Effect.sync(() => this.close())

  readonly run: Effect.Effect<void, ActorFailed> = Effect.suspend(() => {
    if (this.running) return Effect.dieMessage(`${this.self.stream} is already running`)
    this.running = true
    return this.life.pipe(
      Effect.catchAllCause((cause) => this.failed(cause)),
      Effect.ensuring(Effect.sync(() => this.ended()))
    )
  })

  private readonly life: Effect.Effect<void, Unreadable | WrongVersion | LogUnavailable> = Effect.gen(
    this,
    function* () {
      if (!this.known) yield* this.replay()
      yield* this.react()
      while (!this.self.done(this.state)) {
        const letter = this.mailbox.take()
        if (letter !== undefined) {
          const events = this.decide(letter)
          if (events === undefined) continue
          const rows = events.length > 0 ? yield* this.append(letter, events) : nothing
          if (rows === undefined) continue
          this.answer(letter, Effect.succeed({ state: this.state, rows }))
          if (events.length > 0) yield* this.react()
        } else if (this.mailbox.closed) return
        else yield* this.mailbox.arrival
      }
      this.close()
    }
  )

  private replay() {
    this.step = "replay"
    return Effect.map(History.replay(this.self, this.log), ({ state, version }) => {
      this.state = state
      this.version = version
    })
  }

  private react(): Effect.Effect<void> {
    this.step = "react"
    return this.self.react(this.state)
  }

  /** Undefined: refused, and the asker knows. */
  private decide(letter: Post<S, C, Rej>): ReadonlyArray<E> | undefined {
    this.step = "decide"
    this.inHand = letter
    letter.tries += 1
    const decided = this.self.decide(this.state, letter.command)
    if (Either.isRight(decided)) return decided.right
    this.answer(letter, Effect.fail(decided.left))
    return undefined
  }

  /** Undefined: nothing was written, the asker knows, and the state still holds. Any other failure ends the run. */
  private append(letter: Post<S, C, Rej>, events: ReadonlyArray<E>) {
    this.step = "append"
    const { by = this.self.by, cause = null, trace = null } = letter.meta ?? {}
    const draft = { stream: this.self.stream, expected: this.version, events, by, cause, trace }
    return Effect.matchEffect(this.log.append(draft), {
      onSuccess: (rows) => {
        this.evolve(events)
        return Effect.succeed(rows)
      },
      onFailure: (error) => {
        if (error._tag === "WrongVersion") this.again(letter)
        else if (error.written === "no") return Effect.succeed(this.answer(letter, Effect.fail(error)))
        return Effect.fail(error)
      }
    })
  }

  private evolve(events: ReadonlyArray<E>): void {
    this.step = "evolve"
    this.version += events.length
    let state = this.state
    for (const event of events) state = this.self.evolve(state, event)
    this.state = state
  }

  private answer(letter: Post<S, C, Rej>, answer: Answer<S, Rej>): undefined {
    this.inHand = undefined
    letter.reply?.(answer)
    letter.reply = undefined
  }

  private again(letter: Post<S, C, Rej>): void {
    if (letter.tries >= DECISIONS) return
    this.inHand = undefined
    this.mailbox.putBack(letter)
  }

  private refuse(reason: "full" | "stopped"): Answer<S, Rej> {
    return Effect.fail(new NotAccepted({ stream: this.self.stream, reason }))
  }

  private close(): void {
    for (const letter of this.mailbox.close()) this.answer(letter, this.refuse("stopped"))
  }

  private failed(cause: Cause.Cause<unknown>): Effect.Effect<never, ActorFailed> {
    return Cause.isInterruptedOnly(cause)
      ? Effect.interrupt
      : Effect.fail(new ActorFailed({ stream: this.self.stream, step: this.step, cause }))
  }

  private ended(): void {
    if (this.inHand !== undefined)
      this.answer(this.inHand, Effect.fail(new OutcomeUnknown({ stream: this.self.stream })))
    this.known = false
    this.running = false
    // Stopped meanwhile: nobody will take what was put back.
    if (this.mailbox.closed) this.close()
  }
}
