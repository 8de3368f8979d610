/** How often restarts are worth it: at most `limit` within any `period`; OTP's restart intensity. */
export class Intensity {
  private restarts: ReadonlyArray<number> = []

  constructor(
    private readonly limit: number,
    private readonly periodMillis: number
  ) {}

  /** Counts one more; false: give up. A restart exactly one period ago still counts. */
  allows(now: number): boolean {
    this.restarts = [...this.restarts.filter((at) => at >= now - this.periodMillis), now]
    return this.restarts.length <= this.limit
  }

  /** Those within the period, the last one asked for included. */
  get recent(): number {
    return this.restarts.length
  }
}
