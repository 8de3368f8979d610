/** D02: may the key be used now? It is neither revoked nor suspended, and has not expired. */
import { moment, natural, nullable, oneOf, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

export interface KeyStanding {
  readonly publicKey: string
  readonly status: "active" | "suspended" | "revoked"
  /** Microseconds since 1970; null is never. */
  readonly expiresAt: number | null
  /** Microseconds since 1970. */
  readonly now: number
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1]
] as const

const ago = (micros: number): string => {
  const seconds = Math.floor(micros / 1_000_000)
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? (["second", 1] as const)
  const count = Math.floor(seconds / size)
  return `${count} ${unit}${count === 1 ? "" : "s"} ago`
}

const expired = (publicKey: string, expiresAt: number, now: number): Reason => {
  const [at, since] = [new Date(expiresAt / 1000).toISOString(), ago(now - expiresAt)]
  return {
    code: "expired",
    message: `The key expired ${since} (${at}). Extend it, or use another.`,
    status: 401,
    details: {
      expired: true,
      expired_at_datetime: at,
      expired_ago: since,
      renew_url: `/keys/extend?pk=${encodeURIComponent(publicKey)}`
    }
  }
}

const rule = ({ expiresAt, now, publicKey, status }: KeyStanding): true | Reason => {
  if (status === "revoked")
    return { code: "invalid_key", message: "The key was revoked. Use another.", status: 401, note: "revoked" }
  if (status === "suspended")
    return { code: "suspended", message: "The key is suspended. Ask the operator of this server.", status: 403 }
  return expiresAt === null || now < expiresAt || expired(publicKey, expiresAt, now)
}

export const keyActive = Permit.guard("D02", {
  name: "key-active",
  claim: "the key is neither revoked, suspended nor expired",
  known: {
    publicKey: text,
    status: oneOf("active", "suspended", "revoked"),
    expiresAt: nullable(natural),
    now: (value) => natural(value) && moment(Number(value) / 1_000)
  },
  rule
})
