/**
 * The memory that all pools share: what is promised of it, and which pool has the first turn when some comes back.
 * Synchronous, as the shelves are.
 */

/** A pool, as the others need to know it. */
export interface Part {
  readonly fits: (promisedBytes: number, askedBytes: number) => boolean
  /** Serves who waits, as far as that goes. */
  readonly serve: () => void
}

export class Budget {
  private promised = 0
  /** Pools whose first waiter lacks nothing but memory, in turn: without that the busiest would starve the others. */
  private readonly line: Array<Part> = []

  get promisedBytes(): number {
    return this.promised
  }

  /** False: there is not so much left, or another pool has waited for it longer. */
  promise(part: Part, bytes: number): boolean {
    const first = this.line[0]
    if ((first !== undefined && first !== part) || !part.fits(this.promised, bytes)) return false
    if (first !== undefined) this.line.shift()
    this.promised += bytes
    return true
  }

  /** Also what is over the bound, because it is in use; `settle` is owed when it becomes less. */
  change(bytes: number): void {
    this.promised += bytes
  }

  stand(part: Part): void {
    if (!this.line.includes(part)) this.line.push(part)
  }

  withdraw(part: Part): void {
    const at = this.line.indexOf(part)
    if (at >= 0) this.line.splice(at, 1)
  }

  /** Owed after every change: whoever stands first is served until nothing moves. */
  settle(): void {
    for (let first = this.line[0]; first !== undefined; first = this.line[0]) {
      first.serve()
      if (this.line[0] === first) return
    }
  }
}
