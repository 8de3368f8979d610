/** What a supervisor does about its children: whose turn it is to start, and what a death means for the others. */
import { type Clock, Data, Duration, Effect, type Scope } from "effect"
import type { SupervisorEvent } from "../../events/Supervisor.js"
import * as Backoff from "./Backoff.js"
import type { Child, Ending } from "./Child.js"
import { Intensity } from "./Intensity.js"
import type { Signal } from "./Signal.js"
import type { Spec } from "./Spec.js"
import type { Place, State } from "./Tree.js"
import { reasonOf, type Witness } from "./Witness.js"

/** More crashes than the spec allows: everything below is stopped, and the parent decides. */
export class GaveUp extends Data.TaggedError("GaveUp")<{
  readonly path: string
  readonly child: string
  readonly restarts: number
  readonly reason: string
}> {
  override get message() {
    return `${this.path} gave up on ${this.child} after ${this.restarts} restarts: ${this.reason}`
  }
}

export class Supervision<R> {
  private readonly intensity: Intensity

  constructor(
    private readonly spec: Spec<R>,
    private readonly path: string,
    private readonly children: ReadonlyArray<Child<R>>,
    private readonly bell: Signal,
    readonly clock: Clock.Clock,
    private readonly witness: typeof Witness.Service
  ) {
    this.intensity = new Intensity(spec.intensity, Duration.toMillis(spec.period))
  }

  /** One thing at a time, each finished before the next: bury the fallen, start who is due, else wait for either. */
  readonly loop: Effect.Effect<never, GaveUp, Exclude<R, Scope.Scope>> = Effect.forever(
    Effect.suspend((): Effect.Effect<unknown, GaveUp, Exclude<R, Scope.Scope>> => {
      const fallen = this.children.find((child) => child.fallen)
      if (fallen !== undefined) return Effect.uninterruptible(this.bury(fallen))
      const next = this.next()
      if (next === undefined) return this.bell.wait
      const pause = next.due - this.now()
      if (pause > 0) return Effect.timeoutOption(this.bell.wait, pause)
      return Effect.uninterruptible(this.begin(next.child))
    })
  )

  readonly stopAll: Effect.Effect<void> = Effect.suspend(() => this.stop(this.children))

  private now(): number {
    return this.clock.unsafeCurrentTimeMillis()
  }

  moved(place: Place, state: State): void {
    place.state = state
    place.since = this.now()
  }

  /** From left to right, each when those before it are ready; a restart under one_for_one waits for nobody. */
  private next(): { readonly child: Child<R>; readonly due: number } | undefined {
    let settled = true
    let next: { readonly child: Child<R>; readonly due: number } | undefined
    for (const child of this.children) {
      const free = settled || (this.spec.strategy === "one_for_one" && child.lives > 0)
      if (child.due !== undefined && free && (next === undefined || child.due < next.due))
        next = { child, due: child.due }
      settled &&= child.settled
    }
    return next
  }

  private begin(child: Child<R>): Effect.Effect<void, never, Exclude<R, Scope.Scope>> {
    const { place } = child
    const again = child.lives > 0
    if (again) place.restarts += 1
    this.moved(place, again ? "restarting" : "starting")
    const { path, restarts } = place
    return child.begin(() => {
      this.moved(place, "running")
      this.note(again ? { _tag: "ChildRestarted", path, restarts } : { _tag: "ChildStarted", path })
    })
  }

  private bury(child: Child<R>): Effect.Effect<void, GaveUp> {
    return Effect.flatMap(child.end, (ending) => {
      this.told(child, ending)
      const { restart } = child.spec
      const again = restart === "permanent" || (restart === "transient" && ending._tag === "Crashed")
      if (!again) return Effect.void
      if (!this.intensity.allows(this.now())) return this.giveUp(child, ending)
      const concerned = this.concerned(child)
      return Effect.map(this.stop(concerned), () => this.schedule(concerned))
    })
  }

  private concerned(child: Child<R>): ReadonlyArray<Child<R>> {
    switch (this.spec.strategy) {
      case "one_for_one":
        return [child]
      case "one_for_all":
        return this.children
      case "rest_for_one":
        return this.children.slice(this.children.indexOf(child))
    }
  }

  private schedule(children: ReadonlyArray<Child<R>>): void {
    const due = this.now() + this.pause()
    for (const child of children) {
      // A temporary one has one life, whoever's death ended it.
      if (child.spec.restart === "temporary" && child.lives > 0) continue
      child.due = due
      if (child.lives > 0) this.moved(child.place, "restarting")
    }
  }

  private pause(): number {
    const { backoff } = this.spec
    return backoff === undefined ? 0 : Backoff.pause(backoff, this.intensity.recent)
  }

  private giveUp(child: Child<R>, ending: Ending): Effect.Effect<never, GaveUp> {
    const restarts = this.intensity.recent - 1
    const reason = ending._tag === "Crashed" ? reasonOf(ending.cause) : "it ended"
    const facts = { path: this.path, child: child.spec.name, restarts, reason }
    this.note({ _tag: "SupervisorGaveUp", ...facts })
    this.moved(child.place, "gave-up")
    return Effect.fail(new GaveUp(facts))
  }

  /** Right to left, each within its `shutdown`. */
  private stop(children: ReadonlyArray<Child<R>>): Effect.Effect<void> {
    const living = children.filter((child) => child.alive).reverse()
    return Effect.forEach(living, (child) => Effect.map(child.end, (ending) => this.told(child, ending)), {
      discard: true
    })
  }

  private told(child: Child<R>, ending: Ending): void {
    const { path } = child.place
    this.moved(child.place, "stopped")
    if (ending._tag === "Crashed") this.note({ _tag: "ChildCrashed", path, reason: reasonOf(ending.cause) })
    else this.note({ _tag: "ChildStopped", path })
  }

  private note(event: SupervisorEvent): void {
    this.witness.note(this.path, event)
  }
}
