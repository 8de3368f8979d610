/** Waiters in the order of fairness: owners take turns, and each owner's own are first in, first out. */

interface FairQueue<A> {
  readonly size: number
  readonly add: (owner: string, item: A) => void
  /** Whose turn it is; it keeps its turn until it is taken or removed. Undefined when nobody waits. */
  readonly first: () => A | undefined
  /** Takes that one out. */
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

  const first = () => {
    for (const [owner, line] of lines) for (const item of line) return { owner, line, item }
    return undefined
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
    first: () => first()?.item,
    next: () => {
      const turn = first()
      if (turn === undefined) return undefined
      const { item, line, owner } = turn
      drop(owner, line, item)
      if (line.size > 0) {
        lines.delete(owner)
        lines.set(owner, line)
      }
      return item
    },
    remove: (owner, item) => {
      const line = lines.get(owner)
      if (line === undefined || !line.has(item)) return false
      drop(owner, line, item)
      return true
    }
  }
}
