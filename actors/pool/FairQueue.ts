/** Waiters in the order of fairness: owners take turns, and each owner's own are first in, first out. */

export interface FairQueue<A> {
  readonly size: number
  readonly add: (owner: string, item: A) => void
  /** The next one, or undefined when nobody waits. */
  readonly next: () => A | undefined
  /** False when it is no longer there. */
  readonly remove: (owner: string, item: A) => boolean
}

export const make = <A>(): FairQueue<A> => {
  // A Map keeps insertion order: its first owner has the turn, and goes to the end after it.
  const lines = new Map<string, Set<A>>()
  let size = 0

  const drop = (owner: string, line: Set<A>, item: A) => {
    line.delete(item)
    size -= 1
    if (line.size === 0) lines.delete(owner)
  }

  return {
    get size() {
      return size
    },
    add: (owner, item) => {
      const line = lines.get(owner)
      if (line === undefined) lines.set(owner, new Set([item]))
      else line.add(item)
      size += 1
    },
    next: () => {
      for (const [owner, line] of lines) {
        for (const item of line) {
          drop(owner, line, item)
          if (line.size > 0) {
            lines.delete(owner)
            lines.set(owner, line)
          }
          return item
        }
      }
      return undefined
    },
    remove: (owner, item) => {
      const line = lines.get(owner)
      if (line === undefined || !line.has(item)) return false
      drop(owner, line, item)
      return true
    }
  }
}
