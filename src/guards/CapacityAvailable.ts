/** D10: can this pool carry one more claim with what it has promised already? */
import { finite, natural, positive, text } from "./Fact.js"
import { Permit, type Reason } from "./Guard.js"

export interface Capacity {
  readonly pool: string
  /** Memory promised to the containers that are claimed now. */
  readonly promisedBytes: number
  /** What this claim would be promised. */
  readonly askedBytes: number
  /** What may be promised at one time: promises are never overcommitted. */
  readonly capacityBytes: number
  /** Claims that stand in line before this one. */
  readonly waiting: number
  readonly waitingMaximum: number
  /** How long this claim has waited, and how long it may. */
  readonly waitedMillis: number
  readonly queueMillis: number
}

const busy = (code: string, message: string, details: Reason["details"] = {}): Reason => ({
  code,
  message,
  status: 503,
  details,
  retryAfterSeconds: 1
})

const rule = (capacity: Capacity): true | Reason => {
  const { askedBytes, capacityBytes, pool, promisedBytes, queueMillis, waitedMillis, waiting, waitingMaximum } =
    capacity
  if (askedBytes > capacityBytes) {
    const [asked, most] = [askedBytes, capacityBytes].map((size) => Math.floor(size / 2 ** 20))
    return {
      code: "exceeds_capacity",
      message: `This needs ${asked} MiB and pool ${pool} has ${most} MiB in all. Ask for fewer vCPUs.`,
      status: 400,
      details: { asked_bytes: askedBytes, capacity_bytes: capacityBytes }
    }
  }
  if (waiting >= waitingMaximum)
    return busy("queue_full", `${waiting} runs wait for pool ${pool} already. Try again shortly.`, { waiting })
  if (waitedMillis >= queueMillis)
    return busy(
      "no_capacity",
      `Pool ${pool} had no free container within ${queueMillis / 1000} s. Try again shortly.`,
      {
        waited_ms: waitedMillis
      }
    )
  if (promisedBytes + askedBytes > capacityBytes)
    return busy("no_capacity", `Pool ${pool} has promised all of its memory. Try again shortly.`)
  return true
}

export const capacityAvailable = Permit.guard("D10", {
  name: "capacity-available",
  claim: "the pool can carry it without promising more than it has",
  known: {
    pool: text,
    promisedBytes: natural,
    askedBytes: positive,
    capacityBytes: natural,
    waiting: natural,
    waitingMaximum: natural,
    waitedMillis: (value) => finite(value) && Number(value) >= 0,
    queueMillis: natural
  },
  rule
})
