/**
 * The generic cell rate algorithm: a rate with a burst, kept in one number, the theoretical arrival time (`tat`): when
 * all of the burst is there again. Times are whole microseconds since 1970.
 */

export interface Pace {
  /** From one to the next, once the burst is used. */
  readonly interval: number
  /** So many at once. */
  readonly burst: number
}

export interface Standing {
  readonly allowed: boolean
  /** Kept when it is allowed; the one that was there when it is not. */
  readonly tat: number
  /** After this one. */
  readonly remaining: number
  /** 0 when it is allowed. */
  readonly retryAfter: number
}

const MINUTE = 60_000_000
/** Of what is never allowed: it is as well not asked again soon. */
const DAY = 86_400_000_000
const WEEK = 7 * DAY

/** Rounded up, so that the rate is never above what is said; nobody saves up more than a week's worth. */
export const paceOf = (rpm: number, burst: number): Pace => {
  const interval = Math.ceil(MINUTE / rpm)
  if (!(rpm > 0 && burst >= 1) || interval > DAY) return { interval: DAY, burst: 0 }
  return { interval, burst: Math.min(Math.floor(burst), Math.floor(WEEK / interval)) }
}

/** Behind `tat` a clock only makes it wait: going back, it grants nothing twice. */
export const weigh = ({ burst, interval }: Pace, tat: number, now: number): Standing => {
  const begins = Math.max(tat, now)
  const room = now + burst * interval - begins
  if (!(room >= interval)) return { allowed: false, tat, remaining: 0, retryAfter: interval - room }
  return { allowed: true, tat: begins + interval, remaining: Math.floor(room / interval) - 1, retryAfter: 0 }
}

/** How many would be allowed now. */
export const remaining = ({ burst, interval }: Pace, tat: number, now: number): number =>
  Math.max(0, Math.floor((now + burst * interval - Math.max(tat, now)) / interval))

/** With nothing of the burst left: no `tat` that this pace has made is later. */
export const empty = ({ burst, interval }: Pace, now: number): number => now + burst * interval
