/** The live supervision tree, as an operator watches it. */
import { Context, Effect, FiberRef, Layer } from "effect"

type Kind = "supervisor" | "worker" | "many"
export type State = "starting" | "running" | "restarting" | "stopped" | "gave-up"

interface Node {
  /** `root/jobs/…`: the names from the root on. */
  readonly path: string
  readonly kind: Kind
  readonly state: State
  readonly restarts: number
  /** When it came into its state, in milliseconds since 1970. */
  readonly since: number
  readonly detail?: () => string
}

/** A place in the tree, kept up to date by its supervisor alone. */
export interface Place {
  path: string
  kind: Kind
  state: State
  restarts: number
  since: number
  detail?: () => string
}

export class Tree extends Context.Tag("kernel/Tree")<
  Tree,
  {
    /** Parents before their children, children in the order of their start. */
    readonly snapshot: Effect.Effect<ReadonlyArray<Node>>
    /** The place at `path`, new or as it is. */
    readonly enter: (path: string, kind: Kind, now: number) => Place
    readonly leave: (path: string) => void
  }
>() {}

/** Where in the tree this fiber runs; empty above the root. */
export const here: FiberRef.FiberRef<string> = FiberRef.unsafeMake("")

export const below = (parent: string, name: string): string => (parent === "" ? name : `${parent}/${name}`)

const above = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")))

export const layer: Layer.Layer<Tree> = Layer.sync(Tree, () => {
  const places = new Map<string, Place>()
  const enter = (path: string, kind: Kind, now: number): Place => {
    const place = places.get(path) ?? { path, kind, state: "starting", restarts: 0, since: now }
    places.set(path, place)
    return place
  }
  const snapshot = Effect.sync(() => {
    const children = new Map<string, Array<Place>>()
    for (const place of places.values()) {
      // Whoever has no parent here stands beside the root: nothing is left out.
      const parent = places.has(above(place.path)) ? above(place.path) : ""
      children.set(parent, [...(children.get(parent) ?? []), place])
    }
    const walk = (place: Place): ReadonlyArray<Node> => [{ ...place }, ...inOrder(place.path)]
    const inOrder = (parent: string): ReadonlyArray<Node> => (children.get(parent) ?? []).flatMap(walk)
    return inOrder("")
  })
  return Tree.of({ enter, snapshot, leave: (path) => places.delete(path) })
})
