/**
 * The root of the supervision tree. Branches grow one after the other and die in reverse: the edge first, what it
 * stands on last. A branch whose supervisor gives up is the end of the node: whoever started it is told why.
 */
import { Deferred, Effect, type Scope } from "effect"
import { type Spec, supervise } from "../kernel/Supervisor.js"
import * as Tree from "../kernel/Tree.js"

export const PATH = "root"

/** For what is made now to stand at this place in the tree. */
export const at =
  (path: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.locally(effect, Tree.here, path)

export interface Root {
  /** Grows a branch until the scope closes. */
  readonly branch: <R>(
    spec: Spec<R>
  ) => Effect.Effect<unknown, never, Effect.Effect.Context<ReturnType<typeof supervise<R>>> | Scope.Scope>
  /** Waits for something of a branch as long as there is hope. */
  readonly hoping: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, unknown, R>
  /** Fails with the reason when a branch gave up; otherwise never ends. */
  readonly gaveUp: Effect.Effect<never, unknown>
}

export const make: Effect.Effect<Root, never, Tree.Tree | Scope.Scope> = Effect.gen(function* () {
  const tree = yield* Tree.Tree
  const clock = yield* Effect.clock
  const hopeless = yield* Deferred.make<never, unknown>()
  const place = tree.enter(PATH, "supervisor", clock.unsafeCurrentTimeMillis())
  place.state = "running"
  yield* Effect.addFinalizer(() => Effect.sync(() => tree.leave(PATH)))
  return {
    branch: (spec) =>
      supervise(spec).pipe(
        at(PATH),
        Effect.tapErrorCause((cause) => Deferred.failCause(hopeless, cause)),
        Effect.forkScoped
      ),
    hoping: (effect) => Effect.raceFirst(effect, Deferred.await(hopeless)),
    gaveUp: Deferred.await(hopeless)
  }
})
