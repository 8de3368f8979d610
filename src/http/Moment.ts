/** Moments of the log as answers tell them. */

/** Of microseconds since 1970. */
export const iso = (micros: number): string => new Date(micros / 1_000).toISOString()
