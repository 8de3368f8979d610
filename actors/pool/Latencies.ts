/** The last so many durations, and their quantiles when somebody asks. */

const KEPT = 1024

export interface Latencies {
  readonly record: (millis: number) => void
  /** 0 while nothing was recorded. */
  readonly quantiles: () => { readonly p50: number; readonly p99: number }
}

export const make = (): Latencies => {
  const ring = new Float64Array(KEPT)
  let count = 0
  const at = (sorted: Float64Array, q: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0
  return {
    record: (millis) => {
      ring[count % KEPT] = millis
      count += 1
    },
    quantiles: () => {
      const sorted = ring.slice(0, Math.min(count, KEPT)).sort()
      return { p50: at(sorted, 0.5), p99: at(sorted, 0.99) }
    }
  }
}
