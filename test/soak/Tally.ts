/** What the soak has done and seen so far: counts for the lines of progress, and every violation of an invariant. */

const KEPT = 100

export class Tally {
  readonly operations = new Map<string, number>()
  readonly refusals = new Map<string, number>()
  readonly violations: Array<string> = []
  private begun = performance.now()

  begin(): void {
    this.begun = performance.now()
  }

  did(operation: string): void {
    this.operations.set(operation, (this.operations.get(operation) ?? 0) + 1)
  }

  refused(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
  }

  /** Told at once, so that what the server does at that moment can be looked at. */
  violated(what: string): void {
    const line = `${this.seconds().toFixed(1)} s: ${what}`
    if (this.violations.length < KEPT) this.violations.push(line)
    process.stderr.write(`VIOLATION ${line}\n`)
  }

  seconds(): number {
    return (performance.now() - this.begun) / 1_000
  }

  get total(): number {
    return [...this.operations.values()].reduce((sum, count) => sum + count, 0)
  }
}

export const counted = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`)
    .join(", ")
