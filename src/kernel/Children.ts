/** The many: children of one kind that come and go by name (OTP's simple_one_for_one). A crash of one never touches another. */
import { type Cause, type Clock, Duration, Effect, Exit, Fiber, FiberId, FiberRef, Runtime, type Scope } from "effect"
import * as Backoff from "./Backoff.js"
import { Intensity } from "./Intensity.js"
import { below, here, type Place, Tree } from "./Tree.js"
import { reasonOf, Witness } from "./Witness.js"

export interface Options {
  readonly name: string
  /** As many at once. */
  readonly bound: number
  readonly restart: "temporary" | "transient"
  /** A transient child that fails more than `intensity` times within `period` is dropped. */
  readonly intensity: number
  readonly period: Duration.DurationInput
  /** Pause before a restart of a child, doubling from `first` with each of its restarts within `period`. Default: none. */
  readonly backoff?: Backoff.Backoff
  /** A child that has not stopped by then is abandoned, which is told as a crash. Default: 5 seconds. */
  readonly shutdown?: Duration.DurationInput
  /** A child was dropped after too many crashes: it will not run again. */
  readonly onGiveUp?: (name: string, cause: Cause.Cause<unknown>) => Effect.Effect<void>
}

export interface Children {
  /**
   * True: it runs, until it ends, is stopped, is given up, or the scope of these children closes; then `ended` runs, once.
   * False: they are at their bound, one of that name is there, or they are closing; then neither runs.
   */
  readonly start: (
    name: string,
    run: Effect.Effect<void, unknown>,
    ended?: Effect.Effect<void>
  ) => Effect.Effect<boolean>
  /** Resolves when the child is gone, or abandoned after `shutdown`; at once when there is none. */
  readonly stop: (name: string) => Effect.Effect<void>
  readonly size: Effect.Effect<number>
  readonly names: Effect.Effect<ReadonlyArray<string>>
}

interface Child {
  readonly name: string
  readonly run: Effect.Effect<void, unknown>
  readonly ended: Effect.Effect<void>
  fiber: Fiber.RuntimeFiber<void> | undefined
  /** Made at its first crash: most never have one. */
  intensity: Intensity | undefined
  stopping: boolean
}

/** How many names an operator is shown. */
const SHOWN = 20

export const make = (options: Options): Effect.Effect<Children, never, Scope.Scope | Tree | Witness> =>
  Effect.gen(function* () {
    const tree = yield* Tree
    const path = below(yield* FiberRef.get(here), options.name)
    const clock = yield* Effect.clock
    const place = tree.enter(path, "many", clock.unsafeCurrentTimeMillis())
    const runtime = yield* Effect.locally(Effect.runtime(), here, path)
    const many = new Many(options, place, clock, Runtime.runFork(runtime), yield* Witness)
    place.state = "running"
    place.detail = () => many.described()
    yield* Effect.addFinalizer(() =>
      Effect.ensuring(
        many.close,
        Effect.sync(() => tree.leave(path))
      )
    )
    return many
  })

class Many implements Children {
  private readonly children = new Map<string, Child>()
  private readonly shutdown: Duration.Duration
  private closing = false

  constructor(
    private readonly options: Options,
    private readonly place: Place,
    private readonly clock: Clock.Clock,
    /** From the fiber that made these children: the one that starts a child (a request) leaves nothing of itself behind. */
    private readonly fork: (life: Effect.Effect<void>) => Fiber.RuntimeFiber<void>,
    private readonly witness: typeof Witness.Service
  ) {
    this.shutdown = Duration.decode(options.shutdown ?? "5 seconds")
  }

  readonly start = (name: string, run: Effect.Effect<void, unknown>, ended: Effect.Effect<void> = Effect.void) =>
    Effect.sync(() => {
      if (this.closing || this.children.size >= this.options.bound || this.children.has(name)) return false
      const child: Child = { name, run, ended, fiber: undefined, intensity: undefined, stopping: false }
      this.children.set(name, child)
      child.fiber = this.fork(this.life(child))
      child.fiber.addObserver(() => this.forget(child))
      return true
    })

  readonly stop = (name: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const child = this.children.get(name)
      return child === undefined ? Effect.void : this.end([child])
    })

  readonly size: Effect.Effect<number> = Effect.sync(() => this.children.size)
  readonly names: Effect.Effect<ReadonlyArray<string>> = Effect.sync(() => [...this.children.keys()])

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.closing = true
    return this.end([...this.children.values()])
  })

  described(): string {
    const names = [...this.children.keys()].slice(0, SHOWN)
    return `${this.children.size} of ${this.options.bound}${names.length > 0 ? ": " : ""}${names.join(", ")}`
  }

  private life(child: Child): Effect.Effect<void> {
    const life = Effect.uninterruptibleMask((restore) => {
      const turn: Effect.Effect<void> = Effect.flatMap(Effect.exit(restore(child.run)), (exit) => {
        if (Exit.isSuccess(exit) || child.stopping) return child.ended
        const outcome = this.crashed(child, exit.cause)
        if (outcome === "restart") return this.again(child, restore, turn)
        return outcome === "over" ? child.ended : Effect.ensuring(this.giveUp(child, exit.cause), child.ended)
      })
      return turn
    })
    // These children may have been made where nothing can be interrupted (a layer's construction).
    return Effect.interruptible(life)
  }

  /** Who is stopped while it pauses does not come back. */
  private again(child: Child, restore: <A>(pause: Effect.Effect<A>) => Effect.Effect<A>, turn: Effect.Effect<void>) {
    const { backoff } = this.options
    if (backoff === undefined) return this.restarted(child, turn)
    const pause = Backoff.pause(backoff, child.intensity?.recent ?? 1)
    return Effect.flatMap(Effect.exit(restore(Effect.sleep(pause))), (exit) =>
      Exit.isSuccess(exit) && !child.stopping ? this.restarted(child, turn) : child.ended
    )
  }

  private restarted(child: Child, turn: Effect.Effect<void>): Effect.Effect<void> {
    const restarts = child.intensity?.recent ?? 1
    this.place.restarts += 1
    this.witness.note(this.place.path, {
      _tag: "ChildRestarted",
      path: below(this.place.path, child.name),
      restarts
    })
    return turn
  }

  private crashed(child: Child, cause: Cause.Cause<unknown>): "over" | "restart" | "give up" {
    const { intensity, period, restart } = this.options
    const path = below(this.place.path, child.name)
    this.witness.note(this.place.path, { _tag: "ChildCrashed", path, reason: reasonOf(cause) })
    if (restart === "temporary") return "over"
    child.intensity ??= new Intensity(intensity, Duration.toMillis(period))
    if (!child.intensity.allows(this.clock.unsafeCurrentTimeMillis())) return "give up"
    return "restart"
  }

  private giveUp(child: Child, cause: Cause.Cause<unknown>): Effect.Effect<void> {
    const restarts = (child.intensity?.recent ?? 1) - 1
    const reason = reasonOf(cause)
    this.witness.note(this.place.path, {
      _tag: "SupervisorGaveUp",
      path: this.place.path,
      child: child.name,
      restarts,
      reason
    })
    return this.options.onGiveUp?.(child.name, cause) ?? Effect.void
  }

  /** Asks all of them before it waits for any: the bound is one `shutdown`, however many they are. */
  private end(children: ReadonlyArray<Child>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const fibers = children.flatMap(({ fiber }) => fiber ?? [])
      for (const child of children) child.stopping = true
      for (const fiber of fibers) fiber.unsafeInterruptAsFork(FiberId.none)
      // The wait runs on a fiber of its own, so that it can be given up from within a finalizer.
      const gone = Effect.timeoutOption(Effect.interruptible(Fiber.awaitAll(fibers)), this.shutdown)
      return Effect.map(gone, () => {
        for (const child of children) this.abandon(child)
      })
    })
  }

  private abandon(child: Child): void {
    if (!this.forget(child)) return
    const path = below(this.place.path, child.name)
    const reason = `abandoned: it did not stop within ${Duration.format(this.shutdown)}`
    this.witness.note(this.place.path, { _tag: "ChildCrashed", path, reason })
  }

  private forget(child: Child): boolean {
    return this.children.get(child.name) === child && this.children.delete(child.name)
  }
}
