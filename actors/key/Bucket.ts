/** What is left of one key's rate, and how much of that is durable; a bounded number of them is in memory. */
import * as Gcra from "../../src/guards/Gcra.js"
import { FURTHEST_MICROS } from "../../src/guards/RateWithin.js"

const SECOND = 1_000_000
/** An unlimited key would otherwise wait for the disk at each request. */
const aheadOf = ({ interval }: Gcra.Pace): number => (interval >= SECOND ? 0 : SECOND)

export class Bucket {
  private pace: Gcra.Pace | undefined
  /** Reservations under way: until they have ended, only we know how far it got. */
  moving = 0

  constructor(
    readonly key: string,
    /** Durable, and not before `tat`, or the request that brought it there has not passed. */
    private reserved: number
  ) {
    this.tat = reserved
  }

  tat: number

  /**
   * Under another pace than before, what was used up under that one counts as all of the burst at most. Whatever lies too
   * far ahead for any pace is left alone: it is doubted.
   */
  follow(pace: Gcra.Pace, now: number): void {
    if (this.pace?.interval === pace.interval && this.pace.burst === pace.burst) return
    if (this.tat - now > FURTHEST_MICROS) return
    this.pace = pace
    this.tat = Math.min(this.tat, Gcra.empty(pace, now))
  }

  /** What is to be made durable before the request passes; undefined: nothing, it was foreseen. */
  charge(standing: Gcra.Standing, pace: Gcra.Pace): number | undefined {
    this.tat = standing.tat
    return this.tat > this.reserved ? this.tat + aheadOf(pace) : undefined
  }

  keep(reserved: number): void {
    this.reserved = Math.max(this.reserved, reserved)
  }
}

export class Buckets {
  private readonly known = new Map<string, Bucket>()

  constructor(private readonly most: number) {}

  get size(): number {
    return this.known.size
  }

  find(key: string): Bucket | undefined {
    const bucket = this.known.get(key)
    if (bucket === undefined) return undefined
    // A Map iterates in the order of insertion: put back, it is the youngest.
    this.known.delete(key)
    this.known.set(key, bucket)
    return bucket
  }

  /** As the ledger has it; the one that is here by now is the better one. */
  admit(key: string, reserved: number): Bucket {
    const here = this.known.get(key)
    if (here !== undefined) return here
    const bucket = new Bucket(key, reserved)
    this.known.set(key, bucket)
    if (this.known.size > this.most) this.forgetOne()
    return bucket
  }

  /** The ledger's row is never behind, so one that is read again has no more left than it had. */
  private forgetOne(): void {
    for (const [key, { moving }] of this.known) {
      if (moving > 0) continue
      this.known.delete(key)
      return
    }
  }
}
