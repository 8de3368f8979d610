/** Children that can be made to crash, end or hang, and what their supervisor did about it. */
import { Deferred, Effect, Layer } from "effect"
import type { SupervisorEvent } from "../../events/Supervisor.js"
import type { ChildSpec } from "../../src/kernel/Supervisor.js"
import * as Tree from "../../src/kernel/Tree.js"
import { Witness } from "../../src/kernel/Witness.js"

export class Ward {
  /** `+name` started, `-name` stopped, in the order it happened. */
  readonly happened: Array<string> = []
  readonly events: Array<SupervisorEvent & { readonly of: string }> = []
  private readonly fates = new Map<string, Deferred.Deferred<void, unknown>>()

  readonly layer = Layer.merge(
    Tree.layer,
    Layer.succeed(
      Witness,
      Witness.of({
        note: (of, event) => void this.events.push({ ...event, of }),
        waiting: () => 0,
        dropped: () => 0,
        keep: Effect.never
      })
    )
  )

  readonly life = (name: string): Effect.Effect<void, unknown> =>
    Effect.gen(this, function* () {
      const fate = yield* Deferred.make<void, unknown>()
      this.fates.set(name, fate)
      this.happened.push(`+${name}`)
      yield* Effect.ensuring(
        Deferred.await(fate),
        Effect.sync(() => void this.happened.push(`-${name}`))
      )
    })

  readonly child = (name: string, more: Partial<ChildSpec> = {}): ChildSpec => ({
    name,
    restart: "permanent",
    shutdown: "5 seconds",
    start: this.life(name),
    ...more
  })

  readonly crash = (name: string, why: unknown = new Error(`${name} broke`)) => this.fate(name, Effect.fail(why))
  readonly finish = (name: string) => this.fate(name, Effect.void)

  /** What happened since the last look. */
  look(): string {
    return this.happened.splice(0).join(" ")
  }

  /** The events since the last look, in short. */
  told(): ReadonlyArray<string> {
    return this.events.splice(0).map((event) => `${event._tag.replace("Child", "")} ${event.path}`)
  }

  private fate(name: string, outcome: Effect.Effect<void, unknown>) {
    return Effect.suspend(() => {
      const fate = this.fates.get(name)
      return fate === undefined ? Effect.dieMessage(`${name} never started`) : Deferred.complete(fate, outcome)
    }).pipe(Effect.zipRight(settle))
  }
}

/** Lets every fiber that can run, run. */
export const settle = Effect.repeatN(Effect.yieldNow(), 50)
