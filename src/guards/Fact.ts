/** What a fact must look like before a rule may speak: anything else is not known, and what is not known is refused. */

export type Known = (value: unknown) => boolean

/** One check a fact; a fact without one does not compile. */
export type Shape<Facts> = { readonly [K in keyof Facts]-?: Known }

export const anything: Known = () => true
/** Longer than any name, id or command line of ours. */
const LONGEST = 4_096
export const text: Known = (value) => typeof value === "string" && value !== "" && value.length <= LONGEST
/** What a caller wrote, of whatever length. */
export const written: Known = (value) => typeof value === "string"
export const nonEmpty: Known = (value) => written(value) && value !== ""
export const flag: Known = (value) => typeof value === "boolean"
export const natural: Known = (value) => Number.isSafeInteger(value) && Number(value) >= 0
export const positive: Known = (value) => Number.isSafeInteger(value) && Number(value) > 0
export const finite: Known = (value) => Number.isFinite(value)

const [EARLIEST, LATEST] = [Date.UTC(2020, 0), Date.UTC(2200, 0)]
/** A moment in milliseconds since 1970: a clock that says another year has been lost. */
export const moment: Known = (value) => Number.isFinite(value) && Number(value) >= EARLIEST && Number(value) < LATEST
export const bytes: Known = (value) => value instanceof Uint8Array

export const oneOf =
  (...values: ReadonlyArray<string>): Known =>
  (value) =>
    values.some((one) => one === value)

export const maybe =
  (known: Known): Known =>
  (value) =>
    value === undefined || known(value)

export const nullable =
  (known: Known): Known =>
  (value) =>
    value === null || known(value)

export const list =
  (known: Known): Known =>
  (value) =>
    Array.isArray(value) && value.every(known)

export const dictionary =
  (known: Known): Known =>
  (value) =>
    value instanceof Map && [...value].every(([key, item]) => typeof key === "string" && known(item))

export const struct = <Facts>(shape: Shape<Facts>): Known => {
  const missing = unknownIn(shape)
  return (value) => missing(value) === undefined
}

/** Names the first fact that is not known; undefined when all are. */
export const unknownIn = <Facts>(shape: Shape<Facts>): ((facts: unknown) => string | undefined) => {
  const checks = Object.entries<Known>(shape)
  return (facts) => {
    if (typeof facts !== "object" || facts === null) return "facts"
    for (const [name, known] of checks) if (!known(Reflect.get(facts, name))) return name
    return undefined
  }
}
