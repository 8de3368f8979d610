/** What weighing may cost: a small part of a processor core on average, and for what matters more some time in advance. */

const SHARE = 0.05

export class Effort {
  /** Milliseconds of work beyond the share. */
  private debt = 0
  private paidAt = 0

  spend(millis: number): void {
    this.debt += millis
  }

  /** Whether no more than so much was taken in advance. */
  allows(debtMillis: number, now: number): boolean {
    this.debt = Math.max(0, this.debt - (now - this.paidAt) * SHARE)
    this.paidAt = now
    return this.debt < debtMillis
  }
}
