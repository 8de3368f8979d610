/** D07: is a slot free, of the key's and of each of its forebears'? Executions, sessions, services and boosts share them. */
import { flag, natural, positive, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

/** Of one among the key and its forebears. */
export interface Concurrency {
  readonly publicKey: string
  /** It is a forebear's. */
  readonly shared: boolean
  /** Slots that are in use. */
  readonly active: number
  readonly wanted: number
  readonly limit: number
}

const rule = ({ active, limit, shared, wanted }: Concurrency): true | Reason => {
  if (active + wanted <= limit) return true
  const whose = shared ? "The key that this one descends from" : "This key"
  const held = `${active} of ${limit} concurrency slot${limit === 1 ? "" : "s"} in use`
  return {
    code: "concurrency_limit_reached",
    message:
      `${whose} has ${held}, and this needs ${wanted} more. Executions, sessions, running services and boosts share ` +
      "them. Wait for one to end, or freeze one.",
    status: 429,
    details: { active_executions: active, concurrency_limit: limit, wanted },
    retryAfterSeconds: 1
  }
}

export const concurrencyWithin = Permit.guard("D07", {
  name: "concurrency-within",
  claim: "the key has a slot free",
  known: { publicKey: text, shared: flag, active: natural, wanted: positive, limit: natural },
  rule
})
