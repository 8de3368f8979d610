/**
 * A wall clock that is checked against the monotonic one. Both must advance alike: where they part, the wall clock was
 * set (or the machine slept), and nobody knows which of its two times was the right one. Doubt ends when both have
 * agreed for as long as a timestamp is valid: no request from before the jump can then pass for a fresh one.
 */

export interface Sample {
  /** Milliseconds since 1970. */
  readonly wall: number
  /** Milliseconds since some fixed moment. */
  readonly monotonic: number
}

export interface TrustedClock {
  /** Where the two clocks were compared from. */
  readonly anchor: Sample
  readonly last: Sample
  /** When they parted, in monotonic milliseconds, and by how much. */
  readonly parted: { readonly at: number; readonly byMillis: number } | undefined
}

const TOLERANCE_MILLIS = 2_000
/** NTP slews at most 500 ppm; twice that is not a jump. */
const SLEW = 0.001
const ANCHORED_MILLIS = 60_000
const SETTLES_MILLIS = 300_000

export const start = (sample: Sample): TrustedClock => ({ anchor: sample, last: sample, parted: undefined })

const parting = (from: Sample, to: Sample): number => {
  const elapsed = to.monotonic - from.monotonic
  const byMillis = to.wall - from.wall - elapsed
  // NaN compares false: an unreadable clock has parted too.
  const agrees = elapsed >= 0 && Math.abs(byMillis) <= TOLERANCE_MILLIS + elapsed * SLEW
  return agrees ? 0 : byMillis || Number.POSITIVE_INFINITY
}

/** Whether its own samples bear out that both advanced alike. */
export const agrees = ({ anchor, last }: TrustedClock): boolean => parting(anchor, last) === 0

/** Folds one more sample in. Small steps add up against the anchor, so many of them are noticed as one is. */
export const observe = (clock: TrustedClock, sample: Sample): TrustedClock => {
  const byMillis = parting(clock.anchor, sample)
  if (byMillis !== 0) return { anchor: sample, last: sample, parted: { at: sample.monotonic, byMillis } }
  const settled = clock.parted !== undefined && sample.monotonic - clock.parted.at >= SETTLES_MILLIS
  const parted = settled ? undefined : clock.parted
  const renew = sample.monotonic - clock.anchor.monotonic >= ANCHORED_MILLIS
  return { anchor: renew ? sample : clock.anchor, last: sample, parted }
}
