/**
 * What a pool has: containers on the shelf, containers out, memory promised to those, and who waits in line.
 * Synchronous on purpose: handing out is one step that nothing can interleave.
 */
import type { Live } from "../container/ContainerProcess.js"
import type { Budget, Part } from "./Budget.js"
import * as FairQueue from "./FairQueue.js"

export interface Waiter {
  readonly owner: string
  readonly askedBytes: number
  /** Monotonic milliseconds. */
  readonly since: number
  readonly serve: (live: Live) => void
}

interface Counts {
  readonly idle: number
  readonly busy: number
  /** Ended, but not seen empty. */
  readonly lingering: number
  readonly waiting: number
  /** Of what the pools share, to this one's. */
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
  /** It is out already, and was before anybody here could promise it anything. */
  readonly adopt: (live: Live, bytes: number) => void
  /** To one that is out; 0: it is not. */
  readonly promised: (live: Live) => number
  /** Of one that is out; whoever promises more has asked whether there is so much. */
  readonly resize: (live: Live, bytes: number) => void
  /** Of no use any more, and not empty: it keeps what it was promised until it is dropped. */
  readonly linger: (live: Live) => void
  /** Takes those beyond so many from the shelf, the last that came; whoever asked ends them. */
  readonly shed: (kept: number) => ReadonlyArray<Live>
  /** It is gone or going, wherever it was. */
  readonly drop: (live: Live) => void
  /** Untouched and handed back: its claimer went away before using it. */
  readonly giveBack: (live: Live) => void
}

export const make = (budget: Budget, fits: Part["fits"]): Shelf => {
  const idle = new Set<Live>()
  const out = new Map<Live, number>()
  const lingering = new Map<Live, number>()
  const queue = FairQueue.make<Waiter>()
  let promisedBytes = 0

  const hand = (askedBytes: number): Live | undefined => {
    for (const live of idle) {
      if (!budget.promise(part, askedBytes)) return undefined
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
      if (live === undefined) break
      queue.next()
      first.serve(live)
    }
    if (queue.size > 0 && idle.size > 0) budget.stand(part)
    else budget.withdraw(part)
  }
  const part: Part = { fits, serve }

  const settle = () => {
    serve()
    budget.settle()
  }

  const promise = (live: Live, bytes: number) => {
    const more = bytes - (out.get(live) ?? 0)
    out.set(live, bytes)
    promisedBytes += more
    budget.change(more)
  }

  const retire = (live: Live) => {
    lingering.set(live, out.get(live) ?? 0)
    idle.delete(live)
    out.delete(live)
  }

  const forget = (live: Live) => {
    const bytes = out.get(live) ?? lingering.get(live) ?? 0
    promisedBytes -= bytes
    budget.change(-bytes)
    out.delete(live)
    lingering.delete(live)
  }

  return {
    counts: () => ({
      idle: idle.size,
      busy: out.size,
      lingering: lingering.size,
      waiting: queue.size,
      promisedBytes
    }),
    take: (askedBytes) => (queue.size === 0 ? hand(askedBytes) : undefined),
    wait: (waiter) => {
      queue.add(waiter.owner, waiter)
      settle()
    },
    leave: (waiter) => {
      const waited = queue.remove(waiter.owner, waiter)
      // It may have stood before smaller ones.
      if (waited) settle()
      return waited
    },
    put: (live) => {
      idle.add(live)
      settle()
    },
    adopt: promise,
    promised: (live) => out.get(live) ?? 0,
    resize: (live, bytes) => {
      if (!out.has(live)) return
      promise(live, bytes)
      settle()
    },
    linger: (live) => {
      retire(live)
      settle()
    },
    shed: (kept) => {
      const over = [...idle].slice(kept)
      // Until they are gone they take their places.
      over.forEach(retire)
      return over
    },
    drop: (live) => {
      idle.delete(live)
      forget(live)
      settle()
    },
    giveBack: (live) => {
      if (!out.has(live)) return
      forget(live)
      idle.add(live)
      settle()
    }
  }
}
