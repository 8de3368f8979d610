/** A bound that many draw on, in shares that shrink as it fills: nobody, and no crowd under one name, takes it whole. */

/** Who draws, under the names that it is counted by. */
export interface Share {
  readonly name: string
  /** It may hold this part of what is free after it: 1, and one alone takes half, two together two thirds. */
  readonly part: number
}

export interface Shares {
  /** All or nothing: false when the bound, or one of the shares, would be passed. */
  readonly take: (shares: ReadonlyArray<Share>, bytes: number) => boolean
  readonly give: (shares: ReadonlyArray<Share>, bytes: number) => void
  readonly held: () => number
}

export const make = (bound: number): Shares => {
  /** Only those that hold something. */
  const counts = new Map<string, number>()
  let held = 0

  const add = (shares: ReadonlyArray<Share>, bytes: number) => {
    held += bytes
    for (const { name } of shares) {
      const count = (counts.get(name) ?? 0) + bytes
      if (count === 0) counts.delete(name)
      else counts.set(name, count)
    }
  }

  return {
    take: (shares, bytes) => {
      const free = bound - held - bytes
      if (free < 0) return false
      if (shares.some(({ name, part }) => (counts.get(name) ?? 0) + bytes > part * free)) return false
      add(shares, bytes)
      return true
    },
    give: (shares, bytes) => add(shares, -bytes),
    held: () => held
  }
}
