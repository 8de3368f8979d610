/** How often a service was started of late: how long to wait before it is started again, and when that is hopeless. */

const FIRST_MILLIS = 1_000
const LONGEST_MILLIS = 60_000
/** Having run for so long, it had started. */
const STEADY_MILLIS = 60_000
const MOST = 6
const PERIOD_MILLIS = 10 * 60_000

export class Restarts {
  private recent: Array<number> = []
  private inARow = 0
  private ranSince: number | undefined

  running(now: number): void {
    this.ranSince = now
  }

  /** After an end: milliseconds to wait, doubling from 1 s to 60 s; undefined: not again by itself. */
  after(now: number): number | undefined {
    const steady = this.ranSince !== undefined && now - this.ranSince >= STEADY_MILLIS
    this.ranSince = undefined
    if (steady) this.inARow = 0
    this.recent = [...this.recent.filter((at) => now - at < PERIOD_MILLIS), now]
    if (this.recent.length > MOST) return undefined
    return this.pause()
  }

  /** After a start that was not possible for want of something that others have: it is tried for as long as it takes. */
  later(): number {
    return this.pause()
  }

  private pause(): number {
    const pause = Math.min(LONGEST_MILLIS, FIRST_MILLIS * 2 ** Math.min(this.inARow, 10))
    this.inARow += 1
    return pause
  }
}

/** A bootstrap that fails within so long never was the service; one that ends later was. */
export const isStartupMillis = (wallMillis: number): boolean => wallMillis < STEADY_MILLIS
