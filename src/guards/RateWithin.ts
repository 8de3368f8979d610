/** D06: does the key's rate, and that of each of its forebears, allow one more request that begins work? */
import { finite, flag, type Known, natural, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

/** Of the one among the key and its forebears that is nearest to its limit. */
export interface Rate {
  readonly publicKey: string
  /** It is a forebear's that is used up, or would be first. */
  readonly shared: boolean
  /** Requests a minute, and at once. */
  readonly rpm: number
  readonly burst: number
  /** After this one. */
  readonly remaining: number
  readonly allowed: boolean
  /** When all of the burst is there again, in microseconds since 1970. */
  readonly resetAt: number
  /** Microseconds; 0 when it is allowed. */
  readonly retryAfter: number
  /** How far what is known of it lies in the future, in microseconds. */
  readonly ahead: number
  /** The clocks that it is reckoned by agree. */
  readonly clockTrusted: boolean
}

/** Further ahead no rate brings anybody in one go: the clock was another when that was written. */
export const FURTHEST_MICROS = 8 * 86_400_000_000

const rateOf = ({ burst, rpm }: Rate): string => {
  if (rpm <= 0 || burst < 1) return "may not begin anything"
  const each = rpm < 2 ? `one request in ${Math.round(60 / rpm)} s` : `${Math.floor(rpm)} requests a minute`
  return `may begin ${each}, ${burst} at once`
}

/** None that is allowed has used more than there is, waits, or comes of a rate that allows nothing. */
const contradicts = ({ burst, remaining, retryAfter, rpm }: Rate): boolean =>
  rpm === 0 || remaining >= burst || retryAfter > 0

const rule = (rate: Rate): true | Reason => {
  if (rate.allowed && contradicts(rate))
    return {
      code: "uncertain",
      message: "What is known of this key's rate contradicts itself. Nothing was begun; try again shortly.",
      status: 503,
      retryAfterSeconds: 1,
      uncertain: true
    }
  if (rate.allowed) return true
  const seconds = Math.max(1, Math.ceil(rate.retryAfter / 1_000_000))
  const whose = rate.shared ? "The key that this one descends from" : "This key"
  return {
    code: "rate_limit_exceeded",
    message: `${whose} ${rateOf(rate)}. Try again in ${seconds} s.`,
    status: 429,
    details: { limit: Math.floor(rate.rpm), burst: rate.burst, reset_at: Math.ceil(rate.resetAt / 1_000_000) },
    retryAfterSeconds: seconds
  }
}

const quantity: Known = (value) => finite(value) && Number(value) >= 0

export const rateWithin = Permit.guard("D06", {
  name: "rate-within",
  claim: "the key's rate of requests allows one more",
  known: {
    publicKey: text,
    shared: flag,
    rpm: quantity,
    burst: natural,
    remaining: natural,
    allowed: flag,
    resetAt: (value) => natural(value) && value !== 0,
    retryAfter: natural,
    ahead: (value) => natural(value) && Number(value) <= FURTHEST_MICROS,
    clockTrusted: (value) => value === true
  },
  rule
})
