/** What owners are told about their disk. */
import { capacityAvailable } from "../../src/guards/CapacityAvailable.js"
import type { Refused } from "../../src/guards/Guard.js"
import { transitionLegal } from "../../src/guards/TransitionLegal.js"
import { GRACE_MILLIS } from "./Graces.js"

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const

const size = (bytes: number): string => {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const count = bytes / 1024 ** power
  return `${power === 0 ? count : count.toFixed(count < 10 ? 1 : 0)} ${UNITS[power]}`
}

const seconds = GRACE_MILLIS / 1_000

const cure =
  `Unfreeze it and delete files: it has ${seconds} s to become smaller, and is frozen again when it grows. Or take a ` +
  "snapshot and restore a smaller one, redeploy it with a script that makes room, or ask the operator for more (--volume)."

export const over = (bytes: number, limit: number): string =>
  `Its files take ${size(bytes)} of the ${size(limit)} that they may. ${cure}`

export const grew = (bytes: number, limit: number): string =>
  `It was unfrozen to become smaller and grew: its files take ${size(bytes)} of the ${size(limit)} that they may. ${cure}`

export const uncounted = `Its files are so many that they cannot be counted in time. ${cure}`

export const short = (bytes: number): string =>
  `The disk of this server is short and its files, ${size(bytes)}, grew fastest. Unfreeze it when there is room again, ` +
  `or to delete files: it then has ${seconds} s in which it must not grow.`

/** It had its chances to become smaller. */
export const stillOver = (bytes: number, limit: number, waitMillis: number): Refused =>
  transitionLegal.refuse({
    code: "disk_limit",
    message: `${over(bytes, limit)} It has been unfrozen for that several times and was not made smaller.`,
    status: 409,
    details: { used_bytes: bytes, limit_bytes: limit },
    retryAfterSeconds: Math.ceil(waitMillis / 1_000)
  })

export const noRoom: Refused = capacityAvailable.refuse({
  code: "disk_short",
  message: "The disk of this server is short: nothing more is kept on it until there is room again. Try again later.",
  status: 503,
  retryAfterSeconds: 10
})

export const unknown = (note: string): Refused =>
  capacityAvailable.refuse({
    code: "disk_unknown",
    message: "How much room the disk has is not known just now, so nothing more is kept on it. Try again shortly.",
    status: 503,
    retryAfterSeconds: 2,
    uncertain: true,
    note
  })
