/** Keeps its children running: starts them in order, restarts them as their spec says, stops them in reverse, gives up when that is hopeless. */
import { Clock, Duration, Effect, Exit, FiberRef, type Scope } from "effect"
import { Child } from "./Child.js"
import { Signal } from "./Signal.js"
import { BadSpec, type ChildSpec, problemsOf, type Spec } from "./Spec.js"
import { GaveUp, Supervision } from "./Supervision.js"
import { below, here, type State, Tree } from "./Tree.js"
import { Witness } from "./Witness.js"

export { BadSpec, type ChildSpec, GaveUp, type Spec }

type Needs<R> = Tree | Witness | Exclude<R, Scope.Scope>

/**
 * Runs until it is interrupted or gives up; either way its children have been stopped, right to left, each within its
 * `shutdown`. Dies with `BadSpec` before it starts anything. As the child of another supervisor it takes that child's
 * place in the tree when it has the same name.
 */
export const supervise = <R = never>(spec: Spec<R>): Effect.Effect<never, GaveUp, Needs<R>> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const parent = yield* FiberRef.get(here)
      const path = parent === spec.name || parent.endsWith(`/${spec.name}`) ? parent : below(parent, spec.name)
      const problems = problemsOf(path, spec)
      if (problems.length > 0) return yield* Effect.die(new BadSpec({ path, problems }))
      const now = yield* Clock.currentTimeMillis
      const tree = yield* Tree
      const place = tree.enter(path, "supervisor", now)
      place.kind = "supervisor"
      const bell = new Signal()
      const children = spec.children.map((child) => {
        const slot = tree.enter(below(path, child.name), "worker", now)
        if (child.detail !== undefined) slot.detail = child.detail
        return new Child(child, slot, bell)
      })
      const supervision = new Supervision(spec, path, children, bell, yield* Effect.clock, yield* Witness)
      // In another supervisor's tree its place is that supervisor's to move.
      const moved = (state: State) => Effect.sync(() => parent === path || supervision.moved(place, state))
      const leave = () => {
        for (const { name } of spec.children) tree.leave(below(path, name))
      }
      yield* moved("running")
      return yield* Effect.onExit(restore(supervision.loop), (exit) =>
        supervision.stopAll.pipe(
          Effect.zipRight(moved(Exit.isInterrupted(exit) ? "stopped" : "gave-up")),
          Effect.ensuring(Effect.sync(leave))
        )
      )
    })
  )

/** A supervisor as the child of another: it gets as long to stop as its own children may take. */
export const nested = <R = never>(spec: Spec<R>, restart: ChildSpec["restart"] = "permanent"): ChildSpec<Needs<R>> => {
  const longest = spec.children
    .map(({ shutdown }) => Duration.toMillis(shutdown))
    .reduce((sum, one) => sum + one, 1_000)
  return { name: spec.name, restart, shutdown: longest, start: supervise(spec) }
}
