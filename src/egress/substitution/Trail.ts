/** Which characters of what was read take more than a byte, and how many more: so where any of its last characters begins. */

export interface Trail {
  /** Characters read up to and with this one. */
  readonly count: number
  /** Bytes of these beyond one each. */
  readonly extra: number
  readonly length: number
  readonly before: Trail | undefined
  /** Further back, so that what is far is found in few steps: they are those of a skew-binary list. */
  readonly jump: Trail | undefined
}

const jumpOf = (before: Trail | undefined): Trail | undefined => {
  const one = before?.jump
  if (before === undefined || one === undefined) return before
  const other = one.jump?.length ?? 0
  return before.length - one.length === one.length - other ? one.jump : before
}

const longer = (before: Trail | undefined, count: number, extra: number): Trail => ({
  ...{ count, extra, before, length: (before?.length ?? 0) + 1, jump: jumpOf(before) }
})

/** Extra bytes of the first `count` characters. */
export const extraAt = (trail: Trail | undefined, count: number): number => {
  let at = trail
  while (at !== undefined && at.count > count) at = at.jump !== undefined && at.jump.count > count ? at.jump : at.before
  return at?.extra ?? 0
}

/** Nothing but the last `depth` characters is asked for any more. */
const cut = (trail: Trail | undefined, depth: number): Trail | undefined => {
  const kept: Array<Trail> = []
  for (let at = trail; at !== undefined && kept.length <= depth; at = at.before) kept.push(at)
  return kept.reduceRight<Trail | undefined>((before, { count, extra }) => longer(before, count, extra), undefined)
}

/** With a character of so many bytes beyond its first. */
export const add = (trail: Trail | undefined, count: number, more: number, depth: number): Trail =>
  // Else an answer that goes on and on would be kept in whole.
  longer((trail?.length ?? 0) > 2 * depth ? cut(trail, depth) : trail, count, (trail?.extra ?? 0) + more)
