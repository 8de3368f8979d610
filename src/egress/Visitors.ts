/** Everybody who is at the proxy now: bounded for each container and in all, so that none can keep the others out. */
import type { Socket } from "node:net"
import { Data, Effect, type Scope } from "effect"
import type { Destination } from "../guards/EgressPermitted.js"
import type { Permit } from "../guards/Guard.js"

/** One connection, which makes one request. */
export interface Visitor {
  readonly container: string
  readonly socket: Socket
  /** Set as soon as it is permitted, so that a change of the lists finds it. */
  destination: Permit<"D25", Destination> | undefined
}

export class Crowded extends Data.TaggedError("Crowded")<{}> {}

interface Bounds {
  readonly perContainer: number
  readonly total: number
}

export interface Visitors {
  /** Until the scope ends. */
  readonly enter: (container: string, socket: Socket) => Effect.Effect<Visitor, Crowded, Scope.Scope>
  readonly bySocket: (socket: unknown) => Visitor | undefined
  readonly all: () => ReadonlyArray<Visitor>
  readonly size: () => number
}

export const make = ({ perContainer, total }: Bounds): Visitors => {
  const visitors = new Map<unknown, Visitor>()
  const counts = new Map<string, number>()

  const admit = (container: string, socket: Socket): Effect.Effect<Visitor, Crowded> => {
    const count = counts.get(container) ?? 0
    if (visitors.size >= total || count >= perContainer) return new Crowded()
    const visitor: Visitor = { container, socket, destination: undefined }
    counts.set(container, count + 1)
    visitors.set(socket, visitor)
    return Effect.succeed(visitor)
  }

  const dismiss = ({ container, socket }: Visitor) => {
    visitors.delete(socket)
    const left = (counts.get(container) ?? 1) - 1
    if (left === 0) counts.delete(container)
    else counts.set(container, left)
  }

  return {
    enter: (container, socket) =>
      Effect.acquireRelease(
        Effect.suspend(() => admit(container, socket)),
        (visitor) => Effect.sync(() => dismiss(visitor))
      ),
    bySocket: (socket) => visitors.get(socket),
    all: () => [...visitors.values()],
    size: () => visitors.size
  }
}
