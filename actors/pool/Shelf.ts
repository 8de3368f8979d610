/**
 * What a pool has: containers on the shelf, containers out, memory promised to those, and who waits in line.
 * Synchronous on purpose: handing out is one step that nothing can interleave.
 */
import type { Live } from "../container/ContainerProcess.js"
import * as FairQueue from "./FairQueue.js"

export interface Waiter {
  readonly owner: string
  readonly askedBytes: number
  /** Monotonic milliseconds. */
  readonly since: number
  readonly serve: (live: Live) => void
}

export interface Counts {
  readonly idle: number
  readonly busy: number
  readonly waiting: number
  readonly promisedBytes: number
}

export interface Shelf {
  readonly counts: () => Counts
  /** At once, or not at all: nobody overtakes those who wait. */
  readonly take: (askedBytes: number) => Live | undefined
  readonly wait: (waiter: Waiter) => void
  /** False when it was served meanwhile. */
  readonly leave: (waiter: Waiter) => boolean
  /** A sealed container that nobody has touched. */
  readonly put: (live: Live) => void
  /** It is gone or going, wherever it was. */
  readonly drop: (live: Live) => void
  /** Untouched and handed back: its claimer went away before using it. */
  readonly giveBack: (live: Live) => void
}

export const make = (fits: (promisedBytes: number, askedBytes: number) => boolean): Shelf => {
  const idle = new Set<Live>()
  const out = new Map<Live, number>()
  const queue = FairQueue.make<Waiter>()
  let promisedBytes = 0

  const hand = (askedBytes: number): Live | undefined => {
    if (idle.size === 0 || !fits(promisedBytes, askedBytes)) return undefined
    for (const live of idle) {
      idle.delete(live)
      out.set(live, askedBytes)
      promisedBytes += askedBytes
      return live
    }
    return undefined
  }

  // Who is first but too big for what is free now keeps its turn, or it would starve.
  const serve = () => {
    for (let first = queue.first(); first !== undefined; first = queue.first()) {
      const live = hand(first.askedBytes)
      if (live === undefined) return
      queue.next()
      first.serve(live)
    }
  }

  const forget = (live: Live) => {
    promisedBytes -= out.get(live) ?? 0
    out.delete(live)
  }

  return {
    counts: () => ({
      idle: idle.size,
      busy: out.size,
      waiting: queue.size,
      promisedBytes
    }),
    take: (askedBytes) => (queue.size === 0 ? hand(askedBytes) : undefined),
    wait: (waiter) => {
      queue.add(waiter.owner, waiter)
      serve()
    },
    leave: (waiter) => {
      const waited = queue.remove(waiter.owner, waiter)
      // It may have stood before smaller ones.
      if (waited) serve()
      return waited
    },
    put: (live) => {
      idle.add(live)
      serve()
    },
    drop: (live) => {
      idle.delete(live)
      forget(live)
      serve()
    },
    giveBack: (live) => {
      if (!out.has(live)) return
      forget(live)
      idle.add(live)
      serve()
    }
  }
}
