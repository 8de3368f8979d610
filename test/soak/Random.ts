/** Reproducible chance: what an actor of the soak does follows from the soak's seed and the actor's number alone. */

export interface Random {
  /** From 0 up to, not including, 1. */
  readonly next: () => number
  /** A whole number from 0 up to, not including, `below`. */
  readonly under: (below: number) => number
  readonly chance: (probability: number) => boolean
  /** Undefined: there is nothing to choose from. */
  readonly one: <A>(of: ReadonlyArray<A>) => A | undefined
  /** By weight. */
  readonly weighted: <A>(of: ReadonlyArray<readonly [weight: number, A]>, otherwise: A) => A
}

/** Mulberry32. */
const stream = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const random = (seed: number, number: number): Random => {
  const next = stream(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b))
  const under = (below: number) => Math.floor(next() * below)
  return {
    next,
    under,
    chance: (probability) => next() < probability,
    one: (of) => of[under(of.length)],
    weighted: (of, otherwise) => {
      let left = next() * of.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, one] of of) {
        left -= weight
        if (left < 0) return one
      }
      return otherwise
    }
  }
}
