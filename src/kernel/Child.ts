/** One child of a supervisor: started, awaited, stopped, again and again. What its end means is its supervisor's to say. */
import { Cause, Duration, Effect, Exit, Fiber, FiberId, Scope } from "effect"
import type { Signal } from "./Signal.js"
import { type ChildSpec, readyWithinOf } from "./Spec.js"
import { here, type Place } from "./Tree.js"

/** From one start to its end. A life that was abandoned may end later; by then nobody looks at it. */
interface Life {
  fiber: Fiber.RuntimeFiber<void> | undefined
  ready: boolean
  /** Known before its scope has closed. */
  exit: Exit.Exit<void, unknown> | undefined
  stopping: boolean
}

/** How a life ended. */
export type Ending =
  | { readonly _tag: "Well" }
  | { readonly _tag: "Asked" }
  | { readonly _tag: "Crashed"; readonly cause: Cause.Cause<unknown> }

const crashed = (cause: Cause.Cause<unknown>): Ending => ({ _tag: "Crashed", cause })

export class Child<R> {
  private life: Life | undefined
  /** To be started, at the earliest then; undefined: not to be started. */
  due: number | undefined = 0
  lives = 0

  constructor(
    readonly spec: ChildSpec<R>,
    readonly place: Place,
    private readonly bell: Signal
  ) {}

  get alive(): boolean {
    return this.life !== undefined
  }

  /** It is there, and whoever comes after it may start. */
  get settled(): boolean {
    return this.life === undefined ? this.due === undefined : this.life.ready
  }

  /** Its life has come to an end, or must. */
  get fallen(): boolean {
    return this.life?.exit !== undefined
  }

  /** Forks it. Not a child of the supervisor's fiber, because one that ignores interruption could then not be abandoned. */
  begin(onReady: () => void): Effect.Effect<void, never, Exclude<R, Scope.Scope>> {
    const life: Life = { fiber: undefined, ready: false, exit: undefined, stopping: false }
    const announce = () => {
      if (this.life !== life) return
      life.ready = true
      onReady()
      this.bell.ring()
    }
    const body = Effect.uninterruptibleMask((restore) =>
      Effect.gen(this, function* () {
        const scope = yield* Scope.make()
        if (this.spec.ready === undefined) announce()
        else yield* Effect.forkIn(restore(this.watch(this.spec.ready, life, announce)), scope)
        const exit = yield* Effect.exit(restore(Scope.extend(this.spec.start, scope)))
        this.over(life, exit)
        const closed = yield* Effect.exit(Scope.close(scope, exit))
        if (Exit.isFailure(closed)) life.exit = closed
      })
    )
    this.life = life
    this.due = undefined
    this.lives += 1
    return Effect.map(Effect.forkDaemon(Effect.interruptible(Effect.locally(body, here, this.place.path))), (fiber) => {
      life.fiber = fiber
    })
  }

  /** Interrupts it when it still runs, waits for it at most `shutdown`, and says how it ended. */
  readonly end: Effect.Effect<Ending> = Effect.suspend(() => {
    const life = this.life
    if (life?.fiber === undefined) return Effect.succeed<Ending>({ _tag: "Well" })
    life.stopping = true
    const before = life.exit
    life.fiber.unsafeInterruptAsFork(FiberId.none)
    // The wait runs on a fiber of its own, so that it can be given up from within a finalizer.
    const gone = Effect.timeoutOption(Effect.interruptible(Fiber.await(life.fiber)), this.spec.shutdown)
    return Effect.map(gone, (inTime) => {
      this.life = undefined
      if (inTime._tag === "None") return crashed(Cause.die(new Error(this.abandoned)))
      return this.endingOf(before, life.exit)
    })
  })

  private get abandoned(): string {
    return `abandoned: it did not stop within ${Duration.format(Duration.decode(this.spec.shutdown))}`
  }

  private endingOf(before: Exit.Exit<void, unknown> | undefined, after: Exit.Exit<void, unknown> | undefined): Ending {
    if (before !== undefined && Exit.isFailure(before)) return crashed(before.cause)
    // A finalizer that failed is a crash; the interruption that was asked for is not.
    if (after !== undefined && Exit.isFailure(after) && !Cause.isInterruptedOnly(after.cause))
      return crashed(after.cause)
    return { _tag: before === undefined ? "Asked" : "Well" }
  }

  private over(life: Life, exit: Exit.Exit<void, unknown>): void {
    life.exit ??= exit
    this.bell.ring()
  }

  private watch(ready: Effect.Effect<void, unknown>, life: Life, announce: () => void): Effect.Effect<void> {
    const within = readyWithinOf(this.spec)
    const late = () => new Error(`not ready within ${Duration.format(within)}`)
    return Effect.matchCause(Effect.timeoutFail(ready, { duration: within, onTimeout: late }), {
      onSuccess: announce,
      onFailure: (cause) => {
        if (!life.stopping) this.over(life, Exit.failCause(cause))
      }
    })
  }
}
